import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRunConfig } from '@berth/contracts';
import {
  clusterManifests,
  dataWorkers,
  redisManifests,
  runManifests,
  storeManifests,
  toYaml,
} from '@berth/launch/kubernetes';
import { must } from '../../test-compose/command.mjs';
import { runFile } from './run-file.mjs';
import { jobOptions, workerImage } from './worker-job.mjs';

/** A storage class that the cluster does not have. */
export const absentClass = 'absent';

/**
 * Has the API server take everything that berth makes of its own kinds: a warning counts as an error, so that fields it does not know and pods
 * that may do more than the strictest standard allows are refused.
 * @param {{ root: string, folder: string, kubeconfig: string, namespace: string, secret: string }} options
 * @returns {Promise<{ numTaken: number, numMade: number }>}
 */
export async function applyEverything({ root, folder, kubeconfig, namespace, secret }) {
  const config = parseRunConfig({ ...runFile(root), name: 'everything' }, 'test:engines');
  const service = { cluster: 'berth', secret, size: '1Gi', storageClass: absentClass };
  const worker = jobOptions({ numWorkers: 1, secret });
  const manifests = [
    ...clusterManifests({ cluster: 'berth', secret, image: 'berth/coordinator:0.1.0' }),
    ...redisManifests({ ...service, image: 'redis:7.2-alpine' }),
    ...storeManifests({ ...service, image: 'versity/versitygw:v1.8.0' }),
    ...runManifests(config, { ...worker, submits: true }),
    dataWorkers({ ...worker, image: workerImage, numThreads: 1 }, 1),
  ];
  const file = join(folder, 'everything.yaml');
  await writeFile(file, toYaml(manifests));
  const args = ['apply', '--warnings-as-errors', '--namespace', namespace, '-f', file];
  const printed = await must('kubectl', args, { env: { ...process.env, KUBECONFIG: kubeconfig } });
  const numTaken = printed.split('\n').filter((line) => line.endsWith(' created')).length;
  return { numTaken, numMade: manifests.length };
}
