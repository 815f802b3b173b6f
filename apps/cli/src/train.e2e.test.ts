import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder, waitFor } from '@berth/testing';
import { beforeAll, describe, expect, it } from 'vitest';
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

async function verifiedLedger(folder: string): Promise<LedgerJson> {
  const outcome = await berth(['ledger', 'verify', 'e2e', '--json'], { folder });
  expect(outcome.stderr).toBe('');
  return JSON.parse(outcome.stdout) as LedgerJson;
}

/** Waits until a run driven by a `berth train` process has committed a number of steps. */
async function untilStep(folder: string, step: number): Promise<void> {
  await waitFor(
    async () => {
      const runs = await clientOf(folder)?.list();
      return (runs?.[0]?.step ?? 0) >= step;
    },
    { timeoutMs: 180_000, intervalMs: 50, what: `step ${step}` },
  );
}

describe('a run', { timeout: 450_000 }, () => {
  let undisturbed: LedgerJson;

  beforeAll(async () => {
    const { folder, file } = await workplace();
    const outcome = await berth(['train', file, '--workers', '1', '--json'], { folder });
    if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
    undisturbed = await verifiedLedger(folder);
  }, 450_000);

  it('commits every step and example once and ends with a checkpoint', () => {
    expect(undisturbed).toMatchObject({
      ok: true,
      numSteps,
      numExamples: numSteps * config.train.globalBatch,
      checkpointStep: numSteps,
    });
  });

  it.each([2, 3])('gives the same weights with %d workers', async (numWorkers) => {
    const { folder, file } = await workplace();
    const outcome = await berth(['train', file, '--workers', String(numWorkers)], { folder });
    expect(outcome).toMatchObject({ exitCode: 0 });
    const { weightsDigest, head } = await verifiedLedger(folder);
    expect({ weightsDigest, head }).toEqual({
      weightsDigest: undisturbed.weightsDigest,
      head: undisturbed.head,
    });
  });

  it('gives the same weights when one of two workers is killed in the middle', async () => {
    const { folder, file } = await workplace();
    const training = spawnBerth(['train', file, '--workers', '2'], folder);
    const exit = once(training, 'exit');
    await untilStep(folder, 4);
    const [victim] = childrenOf(training.pid ?? 0, 'worker');
    expect(victim).toBeDefined();
    process.kill(victim ?? 0, 'SIGKILL');
    expect(await exit).toEqual([0, null]);
    const ledger = await verifiedLedger(folder);
    expect(ledger).toMatchObject({ ok: true, weightsDigest: undisturbed.weightsDigest });
  });

  it('gives the same weights on the compiled graph, killed or not', async () => {
    const compiled = ['--set', 'train.engine=graph', '--workers', '2'];
    const calm = await workplace();
    expect(await berth(['train', calm.file, ...compiled], calm)).toMatchObject({ exitCode: 0 });
    const { folder, file } = await workplace();
    const training = spawnBerth(['train', file, ...compiled], folder);
    const exit = once(training, 'exit');
    await untilStep(folder, 4);
    process.kill(childrenOf(training.pid ?? 0, 'worker')[1] ?? 0, 'SIGKILL');
    expect(await exit).toEqual([0, null]);
    const { ok, weightsDigest } = await verifiedLedger(folder);
    const undisturbedGraph = await verifiedLedger(calm.folder);
    expect({ ok, weightsDigest }).toEqual({
      ok: true,
      weightsDigest: undisturbedGraph.weightsDigest,
    });
  });

  it('gives the same weights with 1 and 3 workers when gradients travel in bf16', async () => {
    const digests = await Promise.all(
      ['1', '3'].map(async (numWorkers) => {
        const place = await workplace();
        const settings = ['--set', 'train.engine=graph', '--set', 'train.wire=bf16'];
        const args = ['train', place.file, ...settings, '--workers', numWorkers];
        expect(await berth(args, place)).toMatchObject({ exitCode: 0 });
        return (await verifiedLedger(place.folder)).weightsDigest;
      }),
    );
    expect(digests[1]).toBe(digests[0]);
  });

  it('gives the same weights when it is stopped and resumed', async () => {
    const { folder, file } = await workplace();
    const training = spawnBerth(['train', file, '--workers', '1'], folder);
    const exit = once(training, 'exit');
    await untilStep(folder, 3);
    training.kill('SIGINT');
    await exit;
    const stopped = await verifiedLedger(folder);
    expect(stopped.numSteps).toBeLessThan(numSteps);
    expect(stopped.checkpointStep).toBe(stopped.numSteps);
    const resumed = await berth(['resume', 'e2e', '--workers', '2'], { folder });
    expect(resumed).toMatchObject({ exitCode: 0 });
    expect((await verifiedLedger(folder)).weightsDigest).toBe(undisturbed.weightsDigest);
  });

  it('gives the same weights when all is killed at once and goes on with other settings', async () => {
    const { folder, file } = await workplace();
    const training = spawnBerth(['train', file, '--workers', '2'], folder);
    const exit = once(training, 'exit');
    await untilStep(folder, 7);
    const children = childrenOf(training.pid ?? 0, '');
    for (const pid of [training.pid ?? 0, ...children]) process.kill(pid, 'SIGKILL');
    await exit;
    const other = ['--set', 'train.checkpointEverySteps=35', '--set', 'train.keepLast=1'];
    const resumed = await berth(['train', file, '--workers', '2', ...other], { folder });
    expect(resumed).toMatchObject({ exitCode: 0 });
    expect(await verifiedLedger(folder)).toMatchObject({
      ok: true,
      checkpointStep: numSteps,
      weightsDigest: undisturbed.weightsDigest,
    });
  });
});
