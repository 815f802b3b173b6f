import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256Hex } from '@berth/contracts';
import { readHuggingFaceFolder, readWeights } from '@berth/hugging-face';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCluster } from '@berth/launch';
import { berth, childrenOf, spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';

const corpus = fileURLToPath(
  new URL('../../../libs/data/test/golden/excerpt.txt', import.meta.url),
);
const numSteps = 40;

const config = {
  name: 'e2e',
  seed: 7,
  corpus: { path: corpus, heldOutRatio: 0.1 },
  vocabulary: { size: 1000 },
  examples: { maxSeqLength: 32, maxPredictions: 5, numShards: 4, shuffleWindowShards: 2 },
  model: { size: 'tiny', numLayers: 1, hiddenSize: 32, numHeads: 2, maxPositions: 32 },
  optimizer: { learningRate: 1e-3, numWarmupSteps: 5 },
  train: {
    numSteps,
    engine: 'eager',
    globalBatch: 8,
    virtualRanks: 4,
    checkpointEverySteps: 10,
    numEvalExamples: 16,
  },
};

interface LedgerJson {
  readonly ok: boolean;
  readonly numSteps: number;
  readonly numExamples: number;
  readonly head: string;
  readonly checkpointStep: number;
  readonly weightsDigest: string;
}

/** A folder for a cluster, with the run file in it. */
async function workplace(): Promise<{ folder: string; file: string }> {
  const { path: folder } = await temporaryFolder();
  const file = join(folder, 'run.yaml');
  writeFileSync(file, JSON.stringify(config));
  return { folder, file };
}

async function verifiedLedger(folder: string, name = config.name): Promise<LedgerJson> {
  const outcome = await berth(['ledger', 'verify', name, '--json'], { folder });
  expect(outcome.stderr).toBe('');
  return JSON.parse(outcome.stdout) as LedgerJson;
}

/** Waits until a run has committed a number of steps. */
async function untilStep(folder: string, step: number, name = config.name): Promise<void> {
  await waitFor(
    async () => {
      const reports = (await clientOf(folder)?.list()) ?? [];
      return (reports.find(({ run }) => run.runId === name)?.step ?? 0) >= step;
    },
    { intervalMs: 50, what: `step ${step} of ${name}` },
  );
}

interface SharedCluster {
  /** Trains a run of this name to its end. */
  train(name: string, ...settings: readonly string[]): Promise<LedgerJson>;
  /** The same, with a worker killed in the middle. */
  trainThroughKill(name: string, ...settings: readonly string[]): Promise<LedgerJson>;
  /** Trains a run that is done for more steps. */
  extend(name: string, toSteps: number): Promise<{ stderr: string; ledger: LedgerJson }>;
}

/** One cluster for the tests of a suite: it takes far longer to start than a run takes to train. */
function useCluster(numWorkers: number): SharedCluster {
  let place: Awaited<ReturnType<typeof workplace>>;
  let up: ChildProcess;
  beforeAll(async () => {
    place = await workplace();
    up = spawnBerth(['up', '--workers', String(numWorkers), '--port', '0'], place.folder);
    await waitFor(() => findCluster(place.folder), { what: 'the cluster' });
  });
  afterAll(async () => {
    const exit = once(up, 'exit');
    up.kill('SIGTERM');
    await exit;
  });
  const train = (name: string, settings: readonly string[]): string[] => {
    const all = [`name=${name}`, `cluster.numWorkers=${numWorkers}`, ...settings];
    return ['train', place.file, ...all.flatMap((setting) => ['--set', setting])];
  };
  return {
    async train(name, ...settings) {
      expect(await berth(train(name, settings), place)).toMatchObject({ exitCode: 0 });
      return verifiedLedger(place.folder, name);
    },
    async extend(name, toSteps) {
      const { exitCode, stderr } = await berth(['extend', name, '--steps', `${toSteps}`], place);
      expect(exitCode).toBe(0);
      return { stderr, ledger: await verifiedLedger(place.folder, name) };
    },
    async trainThroughKill(name, ...settings) {
      const training = spawnBerth(train(name, settings), place.folder);
      const exit = once(training, 'exit');
      await untilStep(place.folder, 4, name);
      const [victim] = childrenOf(up.pid ?? 0, 'worker');
      expect(victim).toBeDefined();
      process.kill(victim ?? 0, 'SIGKILL');
      expect(await exit).toEqual([0, null]);
      return verifiedLedger(place.folder, name);
    },
  };
}

const graph = 'train.engine=graph';
const bf16 = 'train.allReduceDtype=bf16';

describe('a run', () => {
  let undisturbed: LedgerJson;
  let undisturbedBf16: LedgerJson;

  describe('of one worker', () => {
    const cluster = useCluster(1);

    it('commits every step and example once and ends with a checkpoint', async () => {
      undisturbed = await cluster.train('eager');
      expect(undisturbed).toMatchObject({
        ok: true,
        numSteps,
        numExamples: numSteps * config.train.globalBatch,
        checkpointStep: numSteps,
      });
    });

    it('trains on the compiled graph, gradients in bf16', async () => {
      undisturbedBf16 = await cluster.train('bf16', graph, bf16);
      expect(undisturbedBf16).toMatchObject({ ok: true, numSteps });
    });
  });

  describe('of two workers', () => {
    const cluster = useCluster(2);

    it('gives the same weights', async () => {
      const { weightsDigest, head } = await cluster.train('eager');
      expect({ weightsDigest, head }).toEqual({
        weightsDigest: undisturbed.weightsDigest,
        head: undisturbed.head,
      });
    });

    it('gives the same bits when it was planned shorter and is extended', async () => {
      const wsd = ['optimizer.schedule=wsd', 'optimizer.numDecaySteps=4'];
      const planned = await cluster.train('planned', ...wsd, 'train.numSteps=16');
      await cluster.train('short', ...wsd, 'train.numSteps=10');
      const extended = await cluster.extend('short', 16);
      expect(extended.stderr).toContain('short goes back from step 10 to 6');
      expect(extended.ledger).toMatchObject({
        ok: true,
        head: planned.head,
        weightsDigest: planned.weightsDigest,
      });
    });

    it('gives the same weights when one is killed in the middle', async () => {
      expect(await cluster.trainThroughKill('killed')).toMatchObject({
        ok: true,
        weightsDigest: undisturbed.weightsDigest,
      });
    });

    it('gives the same weights on the compiled graph, killed or not', async () => {
      const { weightsDigest } = await cluster.train('graph', graph);
      expect(await cluster.trainThroughKill('graph-killed', graph)).toMatchObject({
        ok: true,
        weightsDigest,
      });
    });
  });

  describe('of three workers', () => {
    const cluster = useCluster(3);

    it('gives the same weights', async () => {
      const { weightsDigest, head } = await cluster.train('eager');
      expect({ weightsDigest, head }).toEqual({
        weightsDigest: undisturbed.weightsDigest,
        head: undisturbed.head,
      });
    });

    it('gives the same weights when gradients travel in bf16', async () => {
      const { weightsDigest } = await cluster.train('bf16', graph, bf16);
      expect(weightsDigest).toBe(undisturbedBf16.weightsDigest);
    });
  });

  it('gives the same weights when it is stopped, resumed, killed with all its processes, and goes on with other settings', async () => {
    const { folder, file } = await workplace();
    const training = spawnBerth(['train', file, '--workers', '1'], folder);
    const stop = once(training, 'exit');
    await untilStep(folder, 3);
    training.kill('SIGINT');
    await stop;
    const stopped = await verifiedLedger(folder);
    expect(stopped.numSteps).toBeLessThan(numSteps);
    expect(stopped.checkpointStep).toBe(stopped.numSteps);

    const resumed = spawnBerth(['resume', 'e2e', '--workers', '2'], folder);
    const end = once(resumed, 'exit');
    await untilStep(folder, stopped.numSteps + 4);
    const children = childrenOf(resumed.pid ?? 0, '');
    for (const pid of [resumed.pid ?? 0, ...children]) process.kill(pid, 'SIGKILL');
    await end;

    const other = ['--set', 'train.checkpointEverySteps=35', '--set', 'train.keepLast=1'];
    const continued = await berth(['train', file, '--workers', '2', ...other], { folder });
    expect(continued).toMatchObject({ exitCode: 0 });
    expect(await verifiedLedger(folder)).toMatchObject({
      ok: true,
      checkpointStep: numSteps,
      weightsDigest: undisturbed.weightsDigest,
    });
    const to = join(folder, 'exported');
    expect(await berth(['export', 'e2e', '--to', to], { folder })).toMatchObject({ exitCode: 0 });
    const weights = await readWeights(await readHuggingFaceFolder(to));
    expect(sha256Hex(new Uint8Array(weights.buffer))).toBe(undisturbed.weightsDigest);
    const again = await berth(['resume', 'e2e'], { folder });
    expect(again.exitCode).toBe(5);
    // It says no before it starts anything.
    expect(again.stderr).toMatch(/^error: Cannot resume run "e2e": it is completed; .*\n$/);
  });
});
