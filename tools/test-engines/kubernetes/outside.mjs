import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCoordinatorClient, findCluster } from '@berth/launch';
import { must } from '../../test-compose/command.mjs';
import { startProcess } from './process.mjs';

/**
 * What the cluster's workers find outside of it: Redis, a bucket and a coordinator, by `berth up` on this machine.
 * @param {{ root: string, folder: string }} options
 */
export async function startOutside({ root, folder }) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const berth = [join(root, 'apps/cli/bin/berth.js')];
  const env = environmentIn(folder);
  const up = startProcess(process.execPath, [...berth, 'up', '--workers', '0', '--port', '0'], {
    log: join(folder, 'up.log'),
    env,
    cwd: root,
  });
  try {
    const { coordinatorUrl, apiToken, services } = await foundIn(folder, up);
    const client = createCoordinatorClient(coordinatorUrl, { token: apiToken, isOurs: true });
    const secret = (await readFile(join(folder, 'peer-secret'), 'utf8')).trim();
    return {
      client,
      folder,
      /** What a worker needs to join, by the names of berth's variables. */
      variables: {
        REDIS_URL: services.redisUrl,
        AWS_ENDPOINT_URL_S3: services.s3.endpoint,
        AWS_REGION: services.s3.region,
        BERTH_S3_BUCKET: services.s3.bucket,
        BERTH_S3_PREFIX: services.s3.prefix,
        BERTH_S3_ACCESS_KEY: services.s3.accessKeyId,
        BERTH_S3_SECRET_KEY: services.s3.secretAccessKey,
        BERTH_SECRET: secret,
      },
      /** What `berth ledger verify` proves of a run. */
      ledger: async (run) => {
        const args = [...berth, 'ledger', 'verify', run, '--json'];
        return JSON.parse(await must(process.execPath, args, { env, cwd: root }));
      },
      stop: () => up.stop(60_000),
    };
  } catch (error) {
    await up.stop(60_000);
    throw error;
  }
}

/**
 * Trains a run on this machine without any engine, and nothing disturbs it.
 * @returns {Promise<string>} sha256 of its weights
 */
export async function trainCalmly({ root, folder, config }) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'run.json');
  await writeFile(file, JSON.stringify(config));
  const options = { env: environmentIn(folder), cwd: root, timeoutMs: 1_200_000 };
  const berth = (args) =>
    must(process.execPath, [join(root, 'apps/cli/bin/berth.js'), ...args], options);
  await berth(['train', file, '--workers', '1']);
  return JSON.parse(await berth(['ledger', 'verify', config.name, '--json'])).weightsDigest;
}

async function foundIn(folder, up) {
  const deadline = performance.now() + 120_000;
  for (;;) {
    const cluster = findCluster(folder);
    if (cluster !== undefined) return cluster;
    if (up.end !== undefined || performance.now() > deadline) throw new Error(await up.lastWords());
    await sleep(200);
  }
}

function environmentIn(folder) {
  const {
    REDIS_URL: _redis,
    AWS_ENDPOINT_URL: _aws,
    AWS_ENDPOINT_URL_S3: _s3,
    ...rest
  } = process.env;
  return { ...rest, BERTH_FOLDER: folder };
}
