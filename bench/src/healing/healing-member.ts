import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { silentLogger, type StateVectors } from '@berth/contracts';
import { createPeerNode, StateMemory, type StateLabel, type PeerAddress } from '@berth/collectives';
import { tensorFlowEnvironment } from '@berth/graph';
import type { JoinMemberSetting } from './healing-setting.ts';
import type { RuntimeAsk } from './healing-thread.ts';

/** What a member of `join.ts` is asked to do, one line each. */
export type JoinAsk =
  /** Computes the gradient of a step. */
  | { readonly do: 'compute' }
  /** Copies the state aside, offers it, and computes the gradient of a step. */
  | { readonly do: 'give'; readonly label: StateLabel }
  /** Copies the state from donors and loads it. */
  | { readonly do: 'join'; readonly label: StateLabel; readonly donors: readonly PeerAddress[] }
  /** Digest of the state in the engine. */
  | { readonly do: 'digest' };

const timeoutMs = 120_000;

/** A donor or the joiner: a main thread for sockets and a runtime thread with the engine, as in a worker. */
async function main(): Promise<void> {
  const setting = JSON.parse(process.argv[2] ?? '') as JoinMemberSetting;
  const { memberId, engine, partLength } = setting;
  const secret = process.env['BERTH_SECRET'] ?? '';
  const node = createPeerNode({ memberId, host: '127.0.0.1', secret, logger: silentLogger });
  const endpoint = await node.listen();
  const memory = new StateMemory([partLength, partLength, partLength]);
  await memory.touch();
  const [weights, firstMoments, secondMoments] = memory.parts as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const vectors: StateVectors = { weights, firstMoments, secondMoments };
  Object.assign(process.env, tensorFlowEnvironment({ ...engine, device: 'cpu' }));
  const thread = new Worker(new URL('./healing-thread.js', import.meta.url), {
    workerData: engine,
  });
  thread.on('error', (error) => {
    throw error;
  });
  const run = async (ask: RuntimeAsk): Promise<number> => {
    thread.postMessage(ask, []);
    const [ms] = (await once(thread, 'message')) as [number];
    return ms;
  };
  // Donors hold one state, the joiner another one.
  for (const [part, vector] of memory.parts.entries()) fillWithNoise(vector, setting.seed + part);
  await run({ do: 'load', state: vectors });
  if (setting.computes) await run({ do: 'compute' });
  say({ endpoint, memberId });

  for await (const line of createInterface({ input: process.stdin })) {
    const ask = JSON.parse(line) as JoinAsk;
    const startMs = performance.now();
    if (ask.do === 'compute') say({ computeMs: await run({ do: 'compute' }) });
    else if (ask.do === 'digest') {
      node.offerState(undefined);
      await run({ do: 'read', into: vectors });
      say({ digest: memory.slices.map((slice) => memory.digest(slice)).join('') });
    } else if (ask.do === 'give') {
      node.offerState(undefined);
      const snapshotMs = await run({ do: 'read', into: vectors });
      node.offerState({ label: ask.label, memory });
      const computeMs = setting.computes ? await run({ do: 'compute' }) : 0;
      say({ snapshotMs, computeMs });
    } else {
      const { label, donors } = ask;
      const cpuBefore = process.cpuUsage();
      const transfer = await node.fetchState(donors, { label, memory, timeoutMs });
      const transferMs = performance.now() - startMs;
      const loadMs = await run({ do: 'load', state: vectors });
      const joinMs = performance.now() - startMs;
      const { user, system } = process.cpuUsage(cpuBefore);
      const rssBytes = process.memoryUsage.rss();
      say({ ...transfer, transferMs, loadMs, joinMs, cpuMs: (user + system) / 1000, rssBytes });
    }
  }
  await thread.terminate();
  await node.close();
}

/** Numbers in [-0.01, 0.01). */
function fillWithNoise(vector: Float32Array, seed: number): void {
  let state = seed;
  for (let index = 0; index < vector.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    vector[index] = (state / 2 ** 31) * 0.01;
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

await main();
