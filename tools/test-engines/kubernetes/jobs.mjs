import { setTimeout as sleep } from 'node:timers/promises';

const intervalMs = 200;

/**
 * Waits until something is so.
 * @template T
 * @param {string} what
 * @param {() => Promise<T | undefined | false>} look
 * @param {number} [timeoutMs]
 * @returns {Promise<T>}
 */
export async function until(what, look, timeoutMs = 300_000) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1000} s`);
    await sleep(intervalMs);
  }
}

/**
 * Jobs of a namespace and their pods.
 * @param {{ api: ReturnType<import('./api.mjs').connectApi>, namespace: string, nodes: readonly { pods: () => readonly object[] }[] }} options
 */
export function jobsOf({ api, namespace, nodes }) {
  const jobPath = `/apis/batch/v1/namespaces/${namespace}/jobs`;
  const podPath = `/api/v1/namespaces/${namespace}/pods`;
  const jobs = {
    create: (job) => api.create(jobPath, job),
    get: (name) => api.get(`${jobPath}/${name}`),
    /** As Kueue does to take a Job's place from it. */
    suspend: (name, isSuspended) =>
      api.patch(`${jobPath}/${name}`, { spec: { suspend: isSuspended } }),
    /** With all of its pods, as kubectl does. */
    remove: (name) => api.remove(`${jobPath}/${name}`, { propagationPolicy: 'Background' }),
    async isThere(name) {
      return (await api.raw('GET', `${jobPath}/${name}`)).status !== 404;
    },
    /** Those that the API server has. */
    async pods(name) {
      const query = `labelSelector=${encodeURIComponent(`batch.kubernetes.io/job-name=${name}`)}`;
      return (await api.get(`${podPath}?${query}`)).items;
    },
    async readyPods(name) {
      return (await jobs.pods(name)).filter(
        ({ metadata, status }) =>
          metadata.deletionTimestamp === undefined &&
          status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
      );
    },
    /** Asks for its eviction, as a drain of its node does. */
    evict: (pod) =>
      api.create(`${podPath}/${pod}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: pod, namespace },
      }),
    deletePod: (pod) => api.remove(`${podPath}/${pod}`),
    /** How the processes of a pod ended, also once it is gone from the API server: exit code, or undefined while it runs. */
    exitCode(pod) {
      const known = nodes.flatMap((node) => node.pods()).find(({ name }) => name === pod);
      return known?.containers()[0]?.state.terminated?.exitCode;
    },
  };
  return jobs;
}

/** Pure. A Job's status as one word or two: `Complete`, `Failed (PodFailurePolicy)`, or how many pods it has. */
export function describeStatus({
  conditions = [],
  active = 0,
  ready = 0,
  succeeded = 0,
  failed = 0,
}) {
  const end = conditions.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const counts = `succeeded ${succeeded}, failed ${failed}`;
  if (end === undefined) return `active ${active} (ready ${ready}), ${counts}`;
  return `${end.type}${end.type === 'Failed' ? ` (${end.reason})` : ''}, ${counts}`;
}

/** Pure. @returns {{ type: string, reason: string, message: string } | undefined} how a Job has ended */
export function endOf({ conditions = [] }) {
  return conditions.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
}
