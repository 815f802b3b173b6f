import { runManifests } from '@berth/launch/kubernetes';

/** As `berth launch kubernetes` calls berth's own image; the nodes here run the same program from this folder. */
export const workerImage = 'berth/worker:0.1.0';

/** @param {{ numWorkers: number, secret: string }} options - and others of a Job of workers */
export function jobOptions(options) {
  return {
    cluster: 'berth',
    coordinatorImage: 'berth/coordinator:0.1.0',
    image: workerImage,
    submits: false,
    backoffLimit: 100,
    memory: '1Gi',
    hasGpu: false,
    nodeSelector: {},
    tolerations: [],
    claims: [],
    graceSeconds: 30,
    ...options,
  };
}

/**
 * The Job that `berth launch kubernetes` makes for a run's workers.
 * @param {import('@berth/contracts').RunConfig} config
 * @param {Parameters<typeof jobOptions>[0]} options
 */
export function workerJob(config, options) {
  return runManifests(config, jobOptions(options)).find(({ kind }) => kind === 'Job');
}
