import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createPeerNode, StateMemory, type PeerNode, type StateLabel } from '@berth/collectives';
import {
  isFinal,
  silentLogger,
  tasks,
  type MemberInfo,
  type RunRecord,
  type StateVectors,
  type View,
} from '@berth/contracts';
import { connectRedis, createMembers, createRuns, openRun, type Runs } from '@berth/queue';
import { answerModelQuestions, createJobConsumer } from '@berth/queue/jobs';
import { Member, type CheckpointSaver, type ExampleSource, type PeerPort } from '@berth/training';
import { numerics } from '../cluster/synthetic-run.ts';
import { madeUpEngine } from './made-up-engine.ts';
import { numElements, type MadeUpWorkers, type Pace, type StandsBy } from './members-setting.ts';

/**
 * Workers in a thread, all of them but engine and data: their connections to Redis, heartbeats, consumers of queues, sockets, and what they do
 * in a run are those of workers. They end like processes that are killed when the thread does.
 */
const { memberIds, redisUrl, secret, runId, config } = workerData as MadeUpWorkers;
const beatMs = 200;
const pollMs = 500;
const settleTimeoutMs = 60_000;
const host = '127.0.0.1';
const engines: ReturnType<typeof madeUpEngine>[] = [];

parentPort?.on('message', (pace: Pace) => engines.forEach((engine) => engine.setPace(pace)));
await Promise.all(memberIds.map(standBy));
parentPort?.postMessage({ standsByAtMs: Date.now() } satisfies StandsBy, []);

/** Resolves once it stands by; it lives on. */
async function standBy(memberId: string): Promise<void> {
  const connection = await connectRedis(redisUrl, { role: 'producer' });
  const never = (): Promise<never> => new Promise(() => undefined);
  await createJobConsumer(redisUrl, { process: never });
  await answerModelQuestions(redisUrl, { process: never });
  const node = createPeerNode({ memberId, host, secret, logger: silentLogger });
  const { port } = await node.listen();
  const members = createMembers(connection);
  const run = openRun(connection, runId);
  const engine = madeUpEngine();
  engines.push(engine);

  let info: MemberInfo = {
    memberId,
    version: '0.1.0',
    host,
    port,
    pid: process.pid,
    hostname: 'bench',
    numerics: { ...numerics, fingerprint: 'f'.repeat(32) },
    startedAtMs: Date.now(),
    state: 'idle',
    runId,
    step: -1,
    complaint: null,
    rankMs: null,
  };
  const beat = (isNews: boolean): Promise<unknown> =>
    members.heartbeat(info, { isNews }).catch(() => undefined);
  const tell = (change: Partial<MemberInfo>, isNews: boolean): void => {
    info = { ...info, ...change };
    if (isNews) void beat(true);
  };
  const member = new Member(
    {
      engine,
      peers: peersOf(node),
      ledger: run.ledger,
      rendezvous: run.rendezvous,
      examples: examplesOf(config.train.globalBatch),
      heldOut: () => Promise.reject(new Error('nothing is held out')),
      baselines: () => {
        throw new Error('nothing is held out');
      },
      checkpoints: noCheckpoints(),
      reporter: {
        step: (step) => tell({ step }, false),
        status: (state, complaint) => tell({ state, complaint }, state !== 'training'),
        metrics: (line) => run.metrics.append({ attempt: 1, ...line }),
      },
      logger: silentLogger,
    },
    { runId, memberId, config, settleTimeoutMs },
  );
  await beat(true);
  const { signal } = new AbortController();
  void run.views.subscribe(
    (view) => {
      info = { ...info, newestEpoch: Math.max(view.fencingEpoch, info.newestEpoch ?? 0) };
      member.see(view);
    },
    { signal },
  );
  void watchRun(createRuns(connection));
  const keepBeating = async (): Promise<void> => {
    for (;;) {
      await sleep(beatMs);
      await beat(false);
    }
  };
  void keepBeating();
}

/** As a worker looks whether its run is over. */
async function watchRun(runs: Runs): Promise<void> {
  let record: RunRecord | undefined;
  while (record === undefined || !isFinal(record.status)) {
    await sleep(pollMs);
    await runs.active().catch(() => undefined);
    record = await runs.read(runId).catch(() => undefined);
  }
}

function peersOf(peers: PeerNode): PeerPort {
  const memory = new StateMemory([numElements, numElements, numElements]);
  const [weights, firstMoments, secondMoments] = memory.parts as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const vectors: StateVectors = { weights, firstMoments, secondMoments };
  const labelOf = ({ fencingEpoch, version }: View, step: number): StateLabel => ({
    runId,
    fencingEpoch,
    viewVersion: version,
    step,
  });
  return {
    async joinView(view, { timeoutMs, onPeerLost, ...options }) {
      const session = await peers.joinView(view, {
        ...options,
        numExact: tasks.pretraining.sums.length,
        connectTimeoutMs: timeoutMs,
        onPeerLost: (_, error) => onPeerLost(error),
      });
      return {
        vectors: session.vectors,
        allReduce: ({ contributions: _inPlace, ...request }) => session.allReduce(request),
        close: () => session.close(),
      };
    },
    async stateVectors() {
      peers.offerState(undefined);
      return vectors;
    },
    async offerState(view, step) {
      peers.offerState({ label: labelOf(view, step), memory });
    },
    async fetchState(donors, { view, step, ...limits }) {
      peers.offerState(undefined);
      await peers.fetchState(donors, { label: labelOf(view, step), memory, ...limits });
      return { step, ...vectors };
    },
  };
}

/** Examples without columns, as the engine reads none. */
function examplesOf(globalBatch: number): ExampleSource {
  const denominators = Object.fromEntries(tasks.pretraining.sums.map((name) => [name, 1]));
  return {
    at: async (from) => ({
      from,
      to: { ...from, index: from.index + globalBatch },
      numExamples: globalBatch,
      denominators,
      ranksOf: async () => [],
    }),
  };
}

/** A run that nobody saves within the time that it is measured. */
function noCheckpoints(): CheckpointSaver {
  const notAsked = (): never => {
    throw new Error('nothing is saved here');
  };
  return {
    memory: notAsked,
    save: notAsked,
    settled: async () => undefined,
    newestStep: async () => undefined,
    load: notAsked,
    storeSpooled: async () => undefined,
    close: async () => undefined,
  };
}
