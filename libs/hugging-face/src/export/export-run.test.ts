import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runRecordKey } from '@berth/checkpoint';
import { parseRunConfig, silentLogger, trainingHash, type MetricsLine } from '@berth/contracts';
import { fineTuningModel, parameterLayout } from '@berth/model';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { readFineTunedFolder, readHuggingFaceFolder } from '../folder/read-folder.ts';
import { readWeights } from '../model-source.ts';
import { microModel } from '../testing/micro-folder.ts';
import {
  microFineTuning,
  microWeightsAt,
  startMicroBucket,
  storeMicroCheckpoint,
  storeMicroLabelledDataset,
} from '../testing/micro-run.ts';
import { writeHuggingFaceFolder } from '../writing/write-folder.ts';
import { exportRun } from './export-run.ts';

const evaluation: MetricsLine = {
  kind: 'eval',
  attempt: 1,
  step: 3,
  timeMs: 0,
  loss: 1.25,
  numTokens: 10,
  masked_lm_loss: 0.75,
};

async function exportMicro(
  store: Awaited<ReturnType<typeof startMicroBucket>>,
  step?: number,
): Promise<{ folder: string; step: number; weights: Float32Array }> {
  const { path } = await temporaryFolder();
  const folder = join(path, 'to');
  const options = {
    step,
    layout: 'transformers' as const,
    evaluations: [evaluation],
    logger: silentLogger,
  };
  const { step: exported } = await exportRun(store, 'micro', options, ({ source, card }) =>
    writeHuggingFaceFolder(source, folder, { card }),
  );
  const weights = await readWeights(await readHuggingFaceFolder(folder));
  return { folder, step: exported, weights };
}

describe('an exported run', () => {
  it('has the weights of its newest checkpoint, and a card that tells what it was trained on', async () => {
    const store = await startMicroBucket();
    await storeMicroCheckpoint(store, 3);
    await storeMicroCheckpoint(store, 5);
    const { folder, step, weights } = await exportMicro(store);
    expect(step).toBe(5);
    expect(weights).toEqual(microWeightsAt(5));
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('step 5 of run `micro`');
    expect(card).toContain('| examples, tokens used | 40, 500 |');
    expect(card).toContain('| training, mean of the last 5 steps | 2.500 | 2.000 | 0.500 |');
    expect(card).toContain('| held-out documents, at step 3 | 1.250 | 0.750 | - |');
  });

  it('says what the run went on from', async () => {
    const store = await startMicroBucket();
    await storeMicroCheckpoint(store, 3);
    const sha256 = 'a'.repeat(64);
    const config = parseRunConfig(
      {
        name: 'micro',
        corpus: { parts: ['web', 'books'].map((name) => ({ name, path: `/text/${name}` })) },
        init: { from: '/home/me/bert', sha256 },
        phases: [
          { numSteps: 1, maxSeqLength: 32, globalBatch: 8, maxPredictions: 5 },
          { numSteps: 9, maxSeqLength: 64, globalBatch: 16, corpusWeights: { web: 1, books: 3 } },
          { numSteps: 8 },
        ],
      },
      'test',
    );
    const attempt = {
      attempt: 1,
      startedAtMs: 1,
      fromStep: 0,
      endedAtMs: null,
      toStep: null,
      endReason: null,
      abandonedFromStep: null,
    };
    const record = {
      runId: 'micro',
      config,
      trainingHash: trainingHash(config),
      status: 'completed',
      reason: '',
      error: null,
      goal: 'trained',
      createdAtMs: 1,
      updatedAtMs: 1,
      forkedFrom: { runId: 'other', step: 1200, ledgerHead: 'b'.repeat(40) },
      attempts: [attempt],
      manifestKey: null,
      exampleSetId: null,
      numerics: null,
    };
    await store.put(runRecordKey('micro'), Buffer.from(JSON.stringify(record)));
    const { folder } = await exportMicro(store);
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(card).toContain(`| began with the model | \`bert\`, SHA-256 \`${sha256}\` |`);
    expect(card).toContain('| forked from | step 1,200 of run `other` |');
    expect(card).toContain(
      'A fork of the same checkpoint with the same settings, on the same text',
    );
    expect(card).toContain(
      '| phase 1, steps 1 to 1 | 8 examples of up to 32 tokens, maxPredictions 5; text: all text |',
    );
    expect(card).toContain(
      '| phase 2, steps 2 to 3 | 16 examples of up to 64 tokens, maxPredictions 20; text: web 25 %, books 75 % |',
    );
    expect(card).not.toContain('phase 3');
  });

  it('that was fine-tuned has its head, its labels, and a card that says what it is for', async () => {
    const store = await startMicroBucket();
    await storeMicroLabelledDataset(store);
    const layout = parameterLayout(microModel, fineTuningModel(microFineTuning));
    await storeMicroCheckpoint(store, 3, layout);
    const { path } = await temporaryFolder();
    const folder = join(path, 'to');
    const reached = { ...evaluation, classify_accuracy: 0.875, classify_accuracy_majority: 0.6 };
    const options = {
      layout: 'transformers',
      evaluations: [reached],
      logger: silentLogger,
    } as const;
    await exportRun(store, 'micro', options, ({ source, card }) =>
      writeHuggingFaceFolder(source, folder, { card }),
    );
    const read = await readFineTunedFolder(folder);
    expect(read.fineTuning).toEqual(microFineTuning);
    const weights = await readWeights(read);
    expect(weights).toEqual(microWeightsAt(3).slice(0, weights.length));
    const card = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(card).toContain('pipeline_tag: text-classification');
    expect(card).toContain(
      'A BERT fine-tuned with berth, to say one label for each text or pair: step 3',
    );
    expect(card).toContain('| examples | 1,200, and 30 to evaluate on |');
    expect(card).toContain('| labels | `no` (700), `yes` (500) |');
    expect(card).toContain('| Accuracy | 0.875 | majority 0.600 |');
    expect(card).toContain('| training, mean of the last 3 steps | 0.500 | 0.500 | 0.750 |');
  });

  it('may be of another step', async () => {
    const store = await startMicroBucket();
    await storeMicroCheckpoint(store, 3);
    await storeMicroCheckpoint(store, 5);
    expect((await exportMicro(store, 3)).weights).toEqual(microWeightsAt(3));
    await expect(exportMicro(store, 4)).rejects.toThrow('it has those of 3, 5');
  });

  it('passes over a checkpoint that is damaged, unless that was asked for', async () => {
    const store = await startMicroBucket();
    await storeMicroCheckpoint(store, 3);
    const keys = await storeMicroCheckpoint(store, 5);
    const weights = keys.find((key) => key.includes('weights-1'))!;
    const bytes = await store.get(weights);
    bytes[bytes.byteLength - 1]! ^= 1;
    await store.put(weights, bytes);
    expect(await exportMicro(store)).toMatchObject({ step: 3, weights: microWeightsAt(3) });
    await expect(exportMicro(store, 5)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  it('has to have a checkpoint', async () => {
    await expect(exportMicro(await startMicroBucket())).rejects.toMatchObject({
      code: 'CHECKPOINT_NOT_FOUND',
    });
  });
});
