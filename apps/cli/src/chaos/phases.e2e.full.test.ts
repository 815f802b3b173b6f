import { fileURLToPath } from 'node:url';
import {
  isBerthError,
  isFinal,
  parseRunConfig,
  silentLogger,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { freePort } from '@berth/launch';
import { connectRedis, openRun, type RedisConnection } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { childrenOf } from '../testing/berth-process.ts';
import { startCluster, type TestCluster } from '../testing/test-cluster.ts';

const minutes = 60_000;
const globalBatch = 16;
const phases = [
  { numSteps: 60, maxSeqLength: 64, maskedLmRatio: 0.3 },
  { numSteps: 40, maxSeqLength: 128 },
];
const wsd = { schedule: 'wsd', numDecaySteps: 20 };

/** A run on the shipped text; each death is waited out, so that the next comes where it is planned. */
function configOf(name: string, numWorkers: number, more: object): RunConfig {
  const path = fileURLToPath(new URL('../../../../corpus/sotu.jsonl.gz', import.meta.url));
  const { train, ...others } = { train: {}, ...more };
  return parseRunConfig(
    {
      name,
      seed: 4711,
      corpus: { path },
      vocabulary: { size: 2048 },
      model: { size: 'tiny', maxPositions: 128 },
      optimizer: { learningRate: 1e-3, numWarmupSteps: 10 },
      // No checkpoint at the boundary: who begins again there begins in the phase before.
      train: { globalBatch, virtualRanks: 4, checkpointEverySteps: 25, keepLast: 9, ...train },
      cluster: { minWorkers: numWorkers },
      ...others,
    },
    'test',
  );
}

/** What dies, and once how many steps are committed. */
type Death = readonly [atStep: number, victim: 'worker' | 'coordinator' | 'redis' | 'all'];

const deaths: readonly Death[] = [
  [12, 'worker'],
  [30, 'coordinator'],
  [42, 'redis'],
  [59, 'worker'],
  [61, 'all'],
  [72, 'coordinator'],
  [80, 'redis'],
  [90, 'worker'],
];

class Scene {
  readonly cluster: TestCluster;
  readonly #connection: RedisConnection;

  static async open(numWorkers: number): Promise<Scene> {
    // A port that it comes back on.
    const cluster = await startCluster({ numWorkers, port: await freePort() });
    const { redisUrl } = cluster.services;
    return new Scene(cluster, await connectRedis(redisUrl, { role: 'producer' }));
  }

  private constructor(cluster: TestCluster, connection: RedisConnection) {
    this.cluster = cluster;
    this.#connection = connection;
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.cluster.stop();
  }

  submit(config: RunConfig): Promise<unknown> {
    return patiently(() => this.cluster.client.submit(config, 'trained'));
  }

  /** Trains through deaths, each once its step has come. @returns what was done, and the steps at which it was */
  async die(runId: string, plan: readonly Death[]): Promise<string[]> {
    const done: string[] = [];
    for (const [atStep, victim] of plan) {
      const step = await this.untilStep(runId, atStep);
      await this.#kill(victim);
      done.push(`${victim} ${step}`);
    }
    return done;
  }

  untilStep(runId: string, atStep: number): Promise<number> {
    const { ledger } = openRun(this.#connection, runId);
    return waitFor(
      async () => {
        const numCommitted = await patiently(() => ledger.numCommitted());
        return numCommitted >= atStep && numCommitted;
      },
      { intervalMs: 10, what: `step ${atStep} of ${runId}` },
    );
  }

  until(runId: string, isSo: (run: RunRecord) => boolean, what: string): Promise<RunRecord> {
    return waitFor(
      async () => {
        const { run } = await patiently(() => this.cluster.client.status(runId));
        return isSo(run) && run;
      },
      { intervalMs: 100, what: `${what} of ${runId}` },
    );
  }

  async ended(runId: string): Promise<LedgerInspection> {
    const { status, error } = await this.until(runId, (run) => isFinal(run.status), 'the end');
    expect({ status, error }).toEqual({ status: 'completed', error: null });
    return inspectLedger(this.cluster.services, runId, silentLogger);
  }

  async #kill(victim: Death[1]): Promise<void> {
    const programs = {
      worker: ['worker'],
      coordinator: ['coordinator'],
      redis: ['redis-server'],
      all: ['worker', 'coordinator', 'redis-server'],
    }[victim];
    for (const program of programs) {
      const pids = await waitFor(() => this.#pidsOf(program), { what: `a ${program} to kill` });
      for (const pid of victim === 'all' ? pids : pids.slice(0, 1)) process.kill(pid, 'SIGKILL');
    }
  }

  #pidsOf(program: string): number[] | undefined {
    const pids = childrenOf(this.cluster.up.pid!, program);
    return pids.length > 0 ? pids : undefined;
  }
}

/** Asks again while nobody answers. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  return (
    await waitFor(
      async () => {
        try {
          return { answer: await ask() };
        } catch (error) {
          const isAway =
            isBerthError(error) &&
            ['COORDINATOR_UNREACHABLE', 'QUEUE_UNREACHABLE'].includes(error.code);
          if (!isAway) throw error;
          return undefined;
        }
      },
      { intervalMs: 20, what: 'an answer' },
    )
  ).answer;
}

let scene: Scene | undefined;
afterEach(() => scene?.close());

describe('a run of 60 steps at 64 tokens and 40 at 128', () => {
  const once = { ok: true, numSteps: 100, numExamples: 100 * globalBatch };
  let calm: LedgerInspection;

  it('uses every example once', { timeout: 30 * minutes }, async () => {
    scene = await Scene.open(1);
    await scene.submit(configOf('phased', 1, { phases }));
    calm = await scene.ended('phased');
    expect(calm).toMatchObject({ ...once, attempts: 1 });
    report('calm, 1 worker', calm);
  });

  it.each([1, 2, 3])(
    'ends with the same bits with %i workers, killed in both phases and between them',
    { timeout: 60 * minutes },
    async (numWorkers) => {
      scene = await Scene.open(numWorkers);
      const { head, weightsDigest } = calm;
      await scene.submit(configOf('phased', numWorkers, { phases }));
      const done = await scene.die('phased', deaths);
      expect(done).toHaveLength(deaths.length);
      const ended = await scene.ended('phased');
      report(`${numWorkers} workers, ${done.join(', ')}`, ended);
      expect(ended).toMatchObject({ ...once, head, weightsDigest });
    },
  );

  it(
    'ends with the same bits when it goes back over the boundary, and dies there',
    { timeout: 60 * minutes },
    async () => {
      scene = await Scene.open(2);
      const { head, weightsDigest } = calm;
      await scene.submit(configOf('phased', 2, { phases }));
      // From the middle of the second phase to the first.
      await scene.untilStep('phased', 80);
      await patiently(() => scene!.cluster.client.control('phased', 'stop'));
      await scene.until('phased', ({ status }) => isFinal(status), 'the stop');
      await patiently(() => scene!.cluster.client.control('phased', 'resume', { fromStep: 50 }));
      await scene.until('phased', ({ attempts }) => attempts.length === 2, 'another attempt');
      await scene.until('phased', ({ requests }) => requests.rewind === null, 'the rewind');
      const first = await scene.die('phased', [
        [57, 'coordinator'],
        [60, 'all'],
        [66, 'worker'],
      ]);
      const ended = await scene.ended('phased');
      report(`back from 80 to 50, ${first.join(', ')}`, ended);
      expect(ended).toMatchObject({ ...once, head, weightsDigest });
      // From the end to the first phase, and of the second to its first checkpoint.
      for (const fromStep of [25, 75]) {
        await patiently(() => scene!.cluster.client.control('phased', 'resume', { fromStep }));
        await scene.until('phased', ({ requests }) => requests.rewind === null, 'the rewind');
        const again = await scene.ended('phased');
        report(`back from 100 to ${fromStep}`, again);
        expect(again).toMatchObject({ ...once, head, weightsDigest });
      }
    },
  );
});

describe('a run with a schedule that does not look ahead', () => {
  it.each([
    ['of one phase', {}, 100],
    ['in phases', { phases }, 100],
  ])(
    '%s, extended from 100 steps to 200, has the bits of one that was planned so',
    { timeout: 60 * minutes },
    async (_, more, numSteps) => {
      scene = await Scene.open(2);
      const isPhased = Object.hasOwn(more, 'phases');
      const longer = isPhased
        ? { phases: [phases[0], { ...phases[1], numSteps: 140 }] }
        : { train: { numSteps: 200 } };
      const shorter = isPhased ? { phases } : { train: { numSteps } };
      const optimizer = { learningRate: 1e-3, numWarmupSteps: 10, ...wsd };
      await scene.submit(configOf('planned', 1, { ...longer, optimizer }));
      const planned = await scene.ended('planned');
      await scene.submit(configOf('short', 1, { ...shorter, optimizer }));
      const short = await scene.ended('short');
      await patiently(() => scene!.cluster.client.extend('short', { numSteps: 200 }));
      await scene.until('short', ({ attempts }) => attempts.length === 2, 'another attempt');
      await scene.until('short', ({ requests }) => requests.rewind === null, 'the rewind');
      const done = await scene.die('short', [
        [95, 'worker'],
        [150, 'all'],
        [185, 'redis'],
      ]);
      const extended = await scene.ended('short');
      report(`planned for 200`, planned);
      report(`planned for 100`, short);
      report(`extended to 200, ${done.join(', ')}`, extended);
      const { head, weightsDigest } = planned;
      expect(extended).toMatchObject({ ok: true, numSteps: 200, head, weightsDigest });
      expect(short.weightsDigest).not.toBe(weightsDigest);
    },
  );
});

/** For who runs it to read. */
function report(what: string, { weightsDigest, head, numExamples }: LedgerInspection): void {
  process.stdout.write(
    `${what}: weights ${weightsDigest}, head ${head}, ${numExamples} examples\n`,
  );
}
