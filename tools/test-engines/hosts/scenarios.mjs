import { once } from 'node:events';
import { connect } from 'node:net';

/** Steps that must be committed after a scenario before the next one begins. */
const numQuietSteps = 10;

/**
 * @typedef {object} Stage
 * @property {Awaited<ReturnType<import('./cluster.mjs').startCluster>>} cluster
 * @property {import('@berth/faults').Hosts} hosts
 * @property {Map<string, import('node:child_process').ChildProcess>} workers - by host
 * @property {string} run
 */

/**
 * What is done to the network, in order. Four hosts train before and after each.
 * @type {readonly { name: string, act: (stage: Stage) => Promise<void> }[]}
 */
export const scenarios = [
  { name: '1 Gbit/s, 10 ms each way', act: (stage) => steps(stage, 40) },
  {
    name: 'a host is cut off, and comes back',
    act: async (stage) => {
      const heal = stage.hosts.partition(stage.hosts.hosts[3]);
      await members(stage, 3);
      await steps(stage, 20);
      heal();
      await members(stage, 4);
    },
  },
  {
    name: '20 % of what a host sends is lost',
    act: async (stage) => {
      const heal = stage.hosts.lose(stage.hosts.hosts[1], 'sent', 0.2);
      await steps(stage, 15);
      heal();
      await members(stage, 4);
    },
  },
  {
    name: 'a link of 10 Mbit/s',
    act: async (stage) => {
      const [, , slow] = stage.hosts.hosts;
      stage.hosts.limit(slow, 10e6);
      await steps(stage, 20);
      stage.hosts.limit(slow, 1e9);
    },
  },
  {
    name: 'a host vanishes, another joins',
    act: async (stage) => {
      const { cluster, hosts, workers } = stage;
      hosts.unplug(hosts.hosts[3]);
      await members(stage, 3);
      const newcomer = hosts.hosts[4];
      workers.set(newcomer.name, await cluster.startWorker(newcomer));
      await members(stage, 4);
    },
  },
  {
    name: 'a host that cannot be dialled joins',
    act: async (stage) => {
      const { cluster, hosts, workers } = stage;
      const [host] = hosts.hosts;
      const worker = workers.get(host.name);
      const exit = once(worker, 'exit');
      worker.kill('SIGKILL');
      await exit;
      hosts.refuseDials(host);
      await members(stage, 3);
      const env = { BERTH_PEER_REACHABLE: 'false' };
      workers.set(host.name, await cluster.startWorker(host, { env }));
      const { view } = await members(stage, 4);
      const member = view.members.find(({ memberId }) => memberId.startsWith(host.name));
      if (await answers(member)) throw new Error(`${host.name} can be dialled`);
      await steps(stage, 20);
    },
  },
];

/**
 * Acts, and watches until the run goes on with four hosts.
 * @param {(typeof scenarios)[number]} scenario
 * @param {Stage} stage
 * @returns {Promise<{ name: string, fromStep: number, toStep: number, stepMs: number, pauseMs: number }>} `stepMs`: the median;
 * `pauseMs`: the longest time without a committed step
 */
export async function inflict(scenario, stage) {
  const { step: fromStep } = await members(stage, 4);
  const startedAtMs = Date.now();
  await scenario.act(stage);
  await members(stage, 4);
  const { step: toStep } = await steps(stage, numQuietSteps);
  const times = (await stage.cluster.commitTimes(stage.run)).filter((ms) => ms >= startedAtMs);
  const gaps = [startedAtMs, ...times].map((ms, index, all) => (all[index + 1] ?? ms) - ms);
  const sorted = gaps.slice(0, -1).sort((a, b) => a - b);
  const stepMs = sorted[Math.floor(sorted.length / 2)];
  return { name: scenario.name, fromStep, toStep, stepMs, pauseMs: sorted.at(-1) };
}

/** Waits until a run has so many members. */
function members({ cluster, run }, count) {
  return cluster.until(run, `${count} hosts`, ({ view }) => view?.members.length === count);
}

/** Waits for so many more steps. */
async function steps({ cluster, run }, count) {
  const { step: from } = await cluster.until(run, 'an answer', () => true);
  return cluster.until(run, `${count} steps`, ({ step }) => step >= from + count, 180_000);
}

/** Whether a port can be dialled. */
function answers({ host, port }) {
  const socket = connect({ host, port, timeout: 1_000 });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('timeout', () => resolve(false));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
