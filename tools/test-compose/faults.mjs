import { setTimeout as sleep } from 'node:timers/promises';

/** Steps that must be committed after a fault before the next one comes. */
const numQuietSteps = 10;

/**
 * Everything that is done to the cluster, in order. `act` returns when it is done.
 * `workers`: in the view before it begins.
 * @type {readonly { name: string, workers: number, act: (cluster: ReturnType<import('./cluster.mjs').createCluster>) => Promise<unknown> }[]}
 */
export const faults = [
  { name: 'kill a worker', workers: 2, act: (cluster) => cluster.kill('worker') },
  { name: 'kill the coordinator', workers: 2, act: (cluster) => cluster.kill('coordinator') },
  { name: 'kill Redis', workers: 2, act: (cluster) => cluster.kill('redis') },
  { name: 'kill the store', workers: 2, act: (cluster) => cluster.kill('store') },
  { name: 'scale to 4 workers', workers: 2, act: (cluster) => cluster.up(['--scale', 'worker=4']) },
  { name: 'kill one of 4 workers', workers: 4, act: (cluster) => cluster.kill('worker') },
  { name: 'scale to 1 worker', workers: 4, act: (cluster) => cluster.up(['--scale', 'worker=1']) },
  { name: 'scale to 2 workers', workers: 1, act: (cluster) => cluster.up(['--scale', 'worker=2']) },
  {
    name: 'down and up',
    workers: 2,
    act: async (cluster) => {
      await cluster.down();
      await cluster.up();
    },
  },
];

/**
 * Inflicts a fault on a run and watches until it goes on.
 * @returns {Promise<{ name: string, fromStep: number, actMs: number, pauseMs: number }>}
 * `actMs`: what the action itself took; `pauseMs`: the longest time from its begin on without a committed step
 */
export async function inflict(fault, cluster, run) {
  const { name, workers } = fault;
  const isReady = ({ step, numWorkers }) => step > 0 && numWorkers === workers;
  const before = await cluster.until(run, isReady, `${workers} workers before "${name}"`);
  const startedAtMs = Date.now();
  const startMs = performance.now();
  const action = { tookMs: undefined, error: undefined };
  const acting = fault.act(cluster).then(
    () => (action.tookMs = performance.now() - startMs),
    (error) => (action.error = error),
  );
  let last = before;
  let stepAfter = Infinity;
  while (last.step < stepAfter + numQuietSteps) {
    if (action.error !== undefined) throw action.error;
    if (performance.now() - startMs > 300_000)
      throw new Error(`"${name}": no way on from step ${last.step}\n${await cluster.logs()}`);
    const isOver = action.tookMs !== undefined;
    const now = await cluster.look(run);
    last = now ?? last;
    if (isOver && now !== undefined) stepAfter = Math.min(stepAfter, now.step);
    await sleep(50);
  }
  await acting;
  const times = await cluster.commitTimes(run);
  return {
    name,
    fromStep: before.step,
    actMs: action.tookMs,
    pauseMs: longestPause(times, startedAtMs, Date.now()),
  };
}

/**
 * The longest time without a commit in a span; commits between workers and us have the same clock.
 * @param {readonly number[]} times
 * @param {number} fromMs
 * @param {number} toMs
 */
export function longestPause(times, fromMs, toMs) {
  const inside = times.filter((time) => time > fromMs && time < toMs);
  const before = Math.max(...times.filter((time) => time <= fromMs));
  return Math.max(
    ...inside.map((time, index) => time - Math.max(fromMs, inside[index - 1] ?? before)),
  );
}
