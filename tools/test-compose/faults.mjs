import { setTimeout as sleep } from 'node:timers/promises';

/** Steps that must be committed after a fault before the next one comes. */
const numQuietSteps = 10;

/**
 * Everything that is done to the cluster, in order. `act` returns when it is done.
 * @type {readonly { name: string, act: (cluster: ReturnType<import('./cluster.mjs').createCluster>) => Promise<unknown> }[]}
 */
export const faults = [
  { name: 'kill a worker', act: (cluster) => cluster.kill('worker') },
  { name: 'kill the coordinator', act: (cluster) => cluster.kill('coordinator') },
  { name: 'kill Redis', act: (cluster) => cluster.kill('redis') },
  { name: 'kill the store', act: (cluster) => cluster.kill('store') },
  { name: 'scale to 4 workers', act: (cluster) => cluster.up(['--scale', 'worker=4']) },
  { name: 'kill one of 4 workers', act: (cluster) => cluster.kill('worker') },
  { name: 'scale to 1 worker', act: (cluster) => cluster.up(['--scale', 'worker=1']) },
  { name: 'scale to 2 workers', act: (cluster) => cluster.up(['--scale', 'worker=2']) },
  {
    name: 'down and up',
    act: async (cluster) => {
      await cluster.down();
      await cluster.up();
    },
  },
];

/**
 * Inflicts a fault on a run and watches until it goes on.
 * @returns {Promise<{ name: string, fromStep: number, actMs: number, recoveryMs: number, completed: boolean }>}
 * `actMs`: what the action itself took; `recoveryMs`: the longest time from its begin on in which no step was seen to be committed
 */
export async function inflict(fault, cluster, run) {
  const before = await cluster.until(run, ({ step }) => step > 0, `before "${fault.name}"`);
  const startMs = performance.now();
  let actMs;
  const acting = Promise.resolve(fault.act(cluster)).then(
    () => (actMs = performance.now() - startMs),
  );
  let last = before;
  let advancedMs = startMs;
  let recoveryMs = 0;
  const isThrough = () =>
    actMs !== undefined &&
    (last.step >= before.step + numQuietSteps || last.status === 'completed');
  const deadline = startMs + 300_000;
  while (!isThrough()) {
    const now = (await cluster.look(run)) ?? last;
    const nowMs = performance.now();
    if (now.step > last.step || now.status === 'completed') {
      recoveryMs = Math.max(recoveryMs, nowMs - advancedMs);
      advancedMs = nowMs;
    }
    last = now;
    if (nowMs > deadline)
      throw new Error(`"${fault.name}": no way on from step ${last.step}\n${await cluster.logs()}`);
    await sleep(100);
  }
  await acting;
  const completed = last.status === 'completed';
  return { name: fault.name, fromStep: before.step, actMs, recoveryMs, completed };
}
