import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  isFinal,
  sha256Hex,
  silentLogger,
  type EvaluateResult,
  type FilledText,
  type FillMaskAnswer,
  type RunConfig,
} from '@berth/contracts';
import { inspectLedger, type LedgerInspection } from '@berth/chaos';
import { replayStep } from '@berth/coordinator/replay-step';
import { readHuggingFaceFolder, readWeights } from '@berth/hugging-face';
import { findCluster } from '@berth/launch';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berth, childrenOf, spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';
import { startCluster, type TestCluster } from './testing/test-cluster.ts';
import { testWorkers, type TestWorkers } from './testing/test-workers.ts';
import { tinyRun, tinyRunFile } from './testing/tiny-run.ts';

const numSteps = 40;
const eager = { numSteps, checkpointEverySteps: 10 };
const inPhases = { ...eager, numSteps: 20 };
const phases = [
  { numSteps: 8, maxSeqLength: 16 },
  { numSteps: 6, maxSeqLength: 16, globalBatch: 16 },
  { numSteps: 6 },
];
const compiledInBf16 = { ...eager, engine: 'graph', allReduceDtype: 'bf16' };

function writeRunFile(folder: string): string {
  const file = join(folder, 'run.yaml');
  writeFileSync(
    file,
    JSON.stringify({ ...tinyRunFile('e2e', { train: eager }), export: { to: 'made' } }),
  );
  return file;
}

/** What `berth ledger verify` says. */
async function verifiedLedger(folder: string, name: string): Promise<LedgerInspection> {
  const outcome = await berth(['ledger', 'verify', name, '--json'], { folder });
  expect(outcome.stderr).toBe('');
  return JSON.parse(outcome.stdout) as LedgerInspection;
}

/** Of a run by one worker. */
let undisturbed: LedgerInspection;

// Workers join one cluster, one by one: it takes far longer to start one than a run takes to train.
describe('a run', () => {
  let workers: TestWorkers;
  let cluster: TestCluster;
  let undisturbedBf16: LedgerInspection;
  let undisturbedPhased: LedgerInspection;
  let undisturbedFineTuning: LedgerInspection;

  beforeAll(async () => {
    cluster = await startCluster({ numWorkers: 0 });
    workers = testWorkers(cluster);
  });

  afterAll(async () => {
    await Promise.all([workers.stop(), cluster.stop()]);
  });

  /** Trains a run to its end, with something done to it after some steps. */
  async function train(
    name: string,
    train: object,
    {
      disturb,
      optimizer = {},
      ...inParts
    }: { disturb?: () => Promise<void>; optimizer?: object; phases?: RunConfig['phases'] } = {},
  ): Promise<LedgerInspection> {
    const sections = { train: { ...train }, optimizer: { ...optimizer } };
    const tiny = tinyRun(name, { ...sections, cluster: { numWorkers: workers.count() } });
    return trainAs({ ...tiny, ...inParts }, disturb);
  }

  /** Fine-tunes the first run's model for labels that follow from the text. */
  async function fineTune(name: string, disturb?: () => Promise<void>): Promise<LedgerInspection> {
    const file = join(cluster.folder, 'labelled.jsonl');
    const rows = Array.from({ length: 80 }, (_, row) =>
      JSON.stringify({
        remark: row % 2 === 0 ? `the people of state ${row}` : `${row} of our laws`,
        label: row % 2 === 0 ? 'people' : 'laws',
      }),
    );
    writeFileSync(file, rows.join('\n'));
    const config: unknown = {
      name,
      init: { from: 'e2e' },
      task: { kind: 'classify', train: file, columns: { text: 'remark' }, heldOutRatio: 0.3 },
      examples: { maxSeqLength: 16, numShards: 3 },
      optimizer: { learningRate: 0.005 },
      train: { engine: 'eager', globalBatch: 8, virtualRanks: 4 },
      cluster: { numWorkers: workers.count() },
    };
    return trainAs(config as RunConfig, disturb);
  }

  async function trainAs(
    config: RunConfig,
    disturb: (() => Promise<void>) | undefined,
  ): Promise<LedgerInspection> {
    const { name } = config;
    await cluster.client.submit(config, 'trained');
    if (disturb !== undefined) {
      await cluster.until(name, 'some steps', ({ step }) => step >= 4);
      await disturb();
    }
    const { run } = await cluster.until(name, 'the end', ({ run }) => isFinal(run.status));
    expect(run).toMatchObject({ status: 'completed', error: null });
    return inspectLedger(cluster.services, name, silentLogger);
  }

  describe('of one worker', () => {
    beforeAll(() => workers.add());

    it('commits every step and example once and ends with a checkpoint', async () => {
      const { folder } = cluster;
      const args = ['train', writeRunFile(folder), '--set', 'cluster.numWorkers=1'];
      expect(await berth(args, { folder })).toMatchObject({ exitCode: 0 });
      undisturbed = await verifiedLedger(folder, 'e2e');
      expect(undisturbed).toMatchObject({
        ok: true,
        numSteps,
        numExamples: numSteps * 8,
        checkpointStep: numSteps,
      });
    });

    it('leaves a model that can be asked, by the command and by the API', async () => {
      const { folder } = cluster;
      const text = 'the [MASK] of the [MASK]';
      const asked = await berth(['fill-mask', 'e2e', text, '--top', '3', '--json'], { folder });
      expect(asked).toMatchObject({ exitCode: 0, stderr: '' });
      const [byCommand] = JSON.parse(asked.stdout) as FilledText[];
      expect(byCommand?.masks.map(({ candidates }) => candidates.length)).toEqual([3, 3]);
      const { coordinatorUrl, apiToken } = findCluster(folder)!;
      const answer = await fetch(new URL('/api/runs/e2e/fill-mask', coordinatorUrl), {
        method: 'POST',
        headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text, numCandidates: 3 }),
      });
      const byApi = (await answer.json()) as FillMaskAnswer;
      expect(byApi).toMatchObject({ step: numSteps, tokens: byCommand?.tokens });
      for (const [mask, { candidates }] of byApi.masks.entries())
        for (const [rank, { probability }] of candidates.entries())
          expect(probability).toBeCloseTo(byCommand!.masks[mask]!.candidates[rank]!.probability, 6);
      const evaluated = await berth(['eval', 'e2e@best', '--examples', '16', '--json'], { folder });
      const { metrics } = JSON.parse(evaluated.stdout) as EvaluateResult;
      const own = (await clientOf(folder)?.status('e2e'))?.lastEval;
      // The same examples, by another engine.
      for (const [name, { value }] of Object.entries(metrics))
        expect(value).toBeCloseTo(own?.[name] as number, 4);
      expect(await berth(['fill-mask', 'e2e', 'no mask'], { folder })).toMatchObject({
        exitCode: 2,
        stderr: expect.stringMatching(/no \[MASK\]/) as string,
      });
      expect(await berth(['eval', 'e2e@7'], { folder })).toMatchObject({
        exitCode: 3,
        stderr: expect.stringMatching(/no whole checkpoint of step 7/) as string,
      });
    });

    it('is fine-tuned, in epochs, and tells what it gets wrong', async () => {
      undisturbedFineTuning = await fineTune('fine');
      const { run, best, lastEval } = await cluster.client.status('fine');
      const { numTrainExamples, fineTuning } = run.labelledData!;
      expect(fineTuning).toEqual({ kind: 'classify', labels: ['laws', 'people'] });
      const numSteps = Math.ceil((3 * numTrainExamples) / 8);
      expect(undisturbedFineTuning).toMatchObject({ ok: true, numSteps, checkpointStep: numSteps });
      const accuracy = lastEval?.['classify_accuracy'] as number;
      expect(best?.score).toBeGreaterThanOrEqual(accuracy);
      const { coordinatorUrl, apiToken } = findCluster(cluster.folder)!;
      const answer = await fetch(
        new URL(`/api/runs/fine/evaluations/${numSteps}`, coordinatorUrl),
        {
          headers: { authorization: `Bearer ${apiToken}` },
        },
      );
      expect(await answer.json()).toMatchObject({
        numExamples: run.labelledData!.numHeldOutExamples,
        metrics: { classify_accuracy: accuracy },
        baselines: [{ name: 'majority' }],
      });
      // By the names of columns that its run had.
      const { folder } = cluster;
      const said = await berth(['predict', 'fine', join(folder, 'labelled.jsonl')], { folder });
      expect(said.stdout.trimEnd().split('\n')).toHaveLength(80);
    });

    it('is asked by the name that its export is imported under, with its head', async () => {
      const { folder } = cluster;
      const file = join(folder, 'asked.jsonl');
      // Under the name that its run knows, and under the one that people use.
      const [remark, to] = ['the people of state 7', join(folder, 'fine-bert')];
      writeFileSync(file, JSON.stringify({ remark, text: remark }));
      const asked = async (model: string): Promise<string> =>
        (await berth(['predict', model, file], { folder })).stdout;
      await berth(['export', 'fine', '--to', to], { folder });
      await berth(['import', to, '--name', 'imported'], { folder });
      const prediction = await asked('fine');
      expect(JSON.parse(prediction)).toMatchObject({ line: 1, probabilities: {} });
      expect(await asked('imported')).toBe(prediction);
    });

    it('trains in phases, with every example once in each', async () => {
      undisturbedPhased = await train('phased', inPhases, { phases });
      const numExamples = 8 * 8 + 6 * 16 + 6 * 8;
      expect(undisturbedPhased).toMatchObject({ ok: true, numSteps: 20, numExamples });
    });

    it('tells of each step what it was trained on, as the ledger has it', async () => {
      const { services, folder } = cluster;
      const lastOfFine = (await cluster.client.status('fine')).step - 1;
      for (const [run, step, numExamples] of [
        ['e2e', numSteps - 1, 8],
        ['phased', 8, 16],
        ['phased', 19, 8],
        ['fine', lastOfFine, 8],
      ] as const) {
        const { examples } = await replayStep(services, run, step, { logger: silentLogger });
        expect(examples).toHaveLength(numExamples);
        expect(examples.at(-1)).toMatchObject({ virtualRank: 3 });
        for (const { sources } of examples) expect(sources.length > 0).toBe(run !== 'fine');
      }
      const shown = await berth(['replay', 'e2e', '--step', '3', '--examples', '1'], { folder });
      expect(shown).toMatchObject({ exitCode: 0 });
      expect(shown.stdout).toMatch(/document \d+ of shard \d/);
      expect(await berth(['replay', 'e2e', '--step', '99'], { folder })).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining('it has committed 0 to 39') as string,
      });
    });

    it('trains on the compiled graph, gradients in bf16', async () => {
      undisturbedBf16 = await train('bf16', compiledInBf16);
      expect(undisturbedBf16).toMatchObject({ ok: true, numSteps });
    });
  });

  describe('of two workers', () => {
    beforeAll(() => workers.add());

    it('gives the same weights', async () => {
      const { weightsDigest, head } = undisturbed;
      expect(await train('two', eager)).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('gives the same bits when it was planned shorter and is extended', async () => {
      const { folder } = cluster;
      const wsd = { optimizer: { schedule: 'wsd', numDecaySteps: 4 } };
      const { weightsDigest, head } = await train('planned', { ...eager, numSteps: 16 }, wsd);
      await train('short', { ...eager, numSteps: 10 }, wsd);
      const extended = await berth(['extend', 'short', '--steps', '16'], { folder });
      expect(extended.exitCode).toBe(0);
      expect(extended.stderr).toContain('short goes back from step 10 to 6');
      expect(await verifiedLedger(folder, 'short')).toMatchObject({
        ok: true,
        head,
        weightsDigest,
      });
    });

    it('gives the same weights when one is killed in the middle', async () => {
      const { weightsDigest, head } = undisturbed;
      const killed = await train('killed', eager, { disturb: () => workers.kill() });
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('is fine-tuned to the same bits when one is killed', async () => {
      const { weightsDigest, head } = undisturbedFineTuning;
      const killed = await fineTune('fine-killed', () => workers.kill());
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('gives the same bits in phases, when one is killed', async () => {
      const { weightsDigest, head } = undisturbedPhased;
      const killed = await train('phased-killed', inPhases, {
        phases,
        disturb: () => workers.kill(),
      });
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('gives the same weights on the compiled graph, when one is killed in the middle', async () => {
      const { weightsDigest, head } = undisturbedBf16;
      const killed = await train('bf16-killed', compiledInBf16, { disturb: () => workers.kill() });
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });
  });

  describe('of three workers', () => {
    beforeAll(() => workers.add());

    it('gives the same weights', async () => {
      const { weightsDigest, head } = undisturbed;
      expect(await train('three', eager)).toMatchObject({ ok: true, weightsDigest, head });
      const { weightsDigest: fine, head: end } = undisturbedFineTuning;
      expect(await fineTune('fine-three')).toMatchObject({
        ok: true,
        weightsDigest: fine,
        head: end,
      });
    });

    it('gives the same weights when gradients travel in bf16', async () => {
      const { weightsDigest, head } = undisturbedBf16;
      expect(await train('bf16-three', compiledInBf16)).toMatchObject({ weightsDigest, head });
    });
  });
});

it('a run that is stopped, resumed, killed with all its processes, and goes on with other settings, gives the same weights', async () => {
  const { path: folder } = await temporaryFolder();
  const file = writeRunFile(folder);
  const untilStep = (step: number): Promise<boolean> =>
    waitFor(async () => ((await clientOf(folder)?.list())?.[0]?.step ?? 0) >= step, {
      intervalMs: 50,
      what: `step ${step}`,
    });
  const training = spawnBerth(['train', file, '--workers', '1'], folder);
  const stop = once(training, 'exit');
  await untilStep(3);
  training.kill('SIGINT');
  await stop;
  const stopped = await verifiedLedger(folder, 'e2e');
  expect(stopped.numSteps).toBeLessThan(numSteps);
  expect(stopped.checkpointStep).toBe(stopped.numSteps);

  const resumed = spawnBerth(['resume', 'e2e', '--workers', '2'], folder);
  const end = once(resumed, 'exit');
  await untilStep(stopped.numSteps + 4);
  const children = childrenOf(resumed.pid ?? 0, '');
  for (const pid of [resumed.pid ?? 0, ...children]) process.kill(pid, 'SIGKILL');
  await end;

  const other = ['--set', 'train.checkpointEverySteps=35', '--set', 'train.keepLast=1'];
  const continued = await berth(['train', file, '--workers', '1', ...other], { folder });
  expect(continued).toMatchObject({ exitCode: 0 });
  expect(await verifiedLedger(folder, 'e2e')).toMatchObject({
    ok: true,
    checkpointStep: numSteps,
    weightsDigest: undisturbed.weightsDigest,
  });
  // What the run file asks for is there once the command ends.
  expect(continued.stderr).toContain(`step ${numSteps} is in ${join(folder, 'made')}`);
  const to = join(folder, 'exported');
  expect(await berth(['export', 'e2e', '--to', to], { folder })).toMatchObject({ exitCode: 0 });
  const weights = await readWeights(await readHuggingFaceFolder(to));
  expect(sha256Hex(new Uint8Array(weights.buffer))).toBe(undisturbed.weightsDigest);
  const bytesIn = (made: string): Buffer => readFileSync(join(made, 'model.safetensors'));
  expect(Buffer.compare(bytesIn(join(folder, 'made')), bytesIn(to))).toBe(0);
  const again = await berth(['resume', 'e2e'], { folder });
  expect(again.exitCode).toBe(5);
  // It says no before it starts anything.
  expect(again.stderr).toMatch(/^error: Cannot resume run "e2e": it is completed; .*\n$/);
});
