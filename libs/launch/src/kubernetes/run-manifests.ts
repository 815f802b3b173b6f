import { corpusPartsOf, withoutUnused, type RunConfig } from '@berth/contracts';
import { stringify } from 'yaml';
import type { Manifest } from './manifest.ts';
import { requireClusterName, requireJobName } from './names.ts';
import { submissionManifests } from './submission.ts';
import { workerJob, type WorkerJobOptions } from './worker-job.ts';
import type { Claim } from './worker-pod.ts';

export interface RunManifestsOptions extends Omit<WorkerJobOptions, 'run' | 'numThreads'> {
  readonly namespace?: string | undefined;
  readonly coordinatorImage: string;
  /** Whether the manifests submit the run; else it is submitted from elsewhere. */
  readonly submits: boolean;
}

/**
 * A run: its file, the Job that submits it, the Job of its workers.
 * @throws BerthError `CONFIG_INVALID` or `USAGE` for a name that Kubernetes would not take
 */
export function runManifests(config: RunConfig, options: RunManifestsOptions): Manifest[] {
  const run = requireJobName(config.name);
  requireClusterName(options.cluster);
  const { namespace, coordinatorImage, submits, cluster, secret, claims } = options;
  const runFile = stringify(withoutUnused(config));
  const submission = { cluster, secret, claims, run, runFile, image: coordinatorImage };
  const manifests = [
    ...(submits ? submissionManifests(submission) : []),
    workerJob({ ...options, run, numThreads: config.cluster.numThreads }),
  ];
  return namespace === undefined
    ? manifests
    : manifests.map((manifest) => ({
        ...manifest,
        metadata: { ...manifest.metadata, namespace },
      }));
}

/** In berth's images. */
const inImages = ['/app/corpus', '/app/configs'];

/** Paths of a run that pods would look for and not find: on no claim, and not in the images. */
export function pathsOutOfSight(config: RunConfig, claims: readonly Claim[]): string[] {
  const { corpus, task, vocabulary } = config;
  const folders = [...inImages, ...claims.map(({ path }) => path)];
  const paths = [
    ...(corpus === undefined ? [] : corpusPartsOf(corpus).map(({ path }) => path)),
    task?.train,
    task?.eval,
    vocabulary.path,
  ];
  return paths.filter(
    (path): path is string =>
      path?.startsWith('/') === true &&
      !folders.some((folder) => path === folder || path.startsWith(`${folder}/`)),
  );
}
