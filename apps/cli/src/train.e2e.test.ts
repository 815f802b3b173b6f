import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  sha256Hex,
  silentLogger,
  type EvaluateResult,
  type FilledText,
  type FillMaskAnswer,
} from '@berth/contracts';
import type { LedgerInspection } from '@berth/chaos';
import { replayStep } from '@berth/coordinator/replay-step';
import { readHuggingFaceFolder, readWeights } from '@berth/hugging-face';
import { findCluster } from '@berth/launch';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { berth, childrenOf, spawnBerth } from './testing/berth-process.ts';
import { clientOf } from './testing/client-of.ts';
import type { TestCluster } from './testing/test-cluster.ts';
import { tinyRunFile } from './testing/tiny-run.ts';
import {
  compiledInBf16,
  eager,
  inPhases,
  numSteps,
  openTrainingScene,
  phases,
  type TrainingScene,
} from './testing/training-scene.ts';

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

describe('a run', () => {
  let scene: TrainingScene;
  let cluster: TestCluster;
  let undisturbedBf16: LedgerInspection;
  let undisturbedFineTuning: LedgerInspection;

  beforeAll(async () => {
    scene = await openTrainingScene();
    ({ cluster } = scene);
  });

  afterAll(() => scene.stop());

  describe('of one worker', () => {
    beforeAll(() => scene.workers.add());

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
      undisturbedFineTuning = await scene.fineTune('fine');
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
      const numExamples = 8 * 8 + 6 * 16 + 6 * 8;
      const phased = await scene.train('phased', inPhases, { phases });
      expect(phased).toMatchObject({ ok: true, numSteps: 20, numExamples });
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
      undisturbedBf16 = await scene.train('bf16', compiledInBf16);
      expect(undisturbedBf16).toMatchObject({ ok: true, numSteps });
    });
  });

  describe('of two workers', () => {
    beforeAll(() => scene.workers.add());

    it('gives the same weights when one is killed in the middle', async () => {
      const { weightsDigest, head } = undisturbed;
      const killed = await scene.train('killed', eager, { disturb: () => scene.workers.kill() });
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('gives the same weights on the compiled graph, when one is killed in the middle', async () => {
      const { weightsDigest, head } = undisturbedBf16;
      const disturb = (): Promise<void> => scene.workers.kill();
      const killed = await scene.train('bf16-killed', compiledInBf16, { disturb });
      expect(killed).toMatchObject({ ok: true, weightsDigest, head });
    });

    it('is fine-tuned to the same bits', async () => {
      const { weightsDigest, head } = undisturbedFineTuning;
      expect(await scene.fineTune('fine-two')).toMatchObject({ ok: true, weightsDigest, head });
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
