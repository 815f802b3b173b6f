import { until } from '../kubernetes/jobs.mjs';
import { runFile, runName } from './run-file.mjs';

const engine = 'kubernetes';

/**
 * The pods of one Job, whose parallelism goes from 1 to 3 and back, and one of which is evicted by the API.
 * @param {object} cluster - of `withCluster`
 * @param {string} root
 * @returns {import('./journey.mjs').Leg}
 */
export function kubernetesLeg({ jobs, launcher, namespace }, root) {
  const scale = (numWorkers) => launcher.apply(runFile(root), numWorkers, namespace);
  /** All that there have been, as the API server forgets them. */
  const seen = new Set();
  const podNames = async () => {
    const names = (await jobs.pods(runName)).map(({ metadata }) => metadata.name);
    for (const one of names) seen.add(one);
    return names;
  };
  const ended = async () => {
    await until('the end of all pods', async () => {
      await podNames();
      return [...seen].every((pod) => jobs.exitCode(pod) !== undefined);
    });
    return `exit ${[...seen].map((pod) => jobs.exitCode(pod)).join(', ')}`;
  };
  return {
    engine,
    start: () => scale(1),
    async disturb({ members, quiet }) {
      const count = (numPods) =>
        members(
          `${numPods} pods in the view`,
          (all) => all.length === numPods && all.every((one) => one.engine === engine),
        );
      await scale(3);
      await count(3);
      await quiet();
      const [pod] = await podNames();
      await jobs.evict(pod);
      await members('a view without the evicted pod', (all) =>
        all.every(({ memberId }) => !memberId.startsWith(pod)),
      );
      await quiet();
      await scale(1);
      await count(1);
      return ['parallelism 1 to 3', 'a pod evicted', 'parallelism 3 to 1'];
    },
    async leave() {
      await podNames();
      await jobs.remove(runName);
      return ended();
    },
    ended,
    close: async () => undefined,
  };
}
