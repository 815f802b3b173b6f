import { allocateBatch, columnOf, sha256Hex, tasks, type ExampleBatch } from '@berth/contracts';
import { expect, it } from 'vitest';
import { packDocuments } from '../../dataset/document-shard.ts';
import { batchOf } from '../../examples/batch.ts';
import { defaultSettings, goldenExcerpt } from '../../testing/example-fixture.ts';
import { pretrainingBaselines } from './baselines.ts';
import { encodeExampleShard, openExampleShard } from './example-shard.ts';
import { generateExamples } from './generate.ts';

const [maskId, frequent, rare] = [4, 5, 6];
// With one added to each: shares of 1/16, and 4/16 and 7/16 for the last two.
const statistics = { tokenCounts: [0, 0, 0, 0, 0, 6, 3], maskId };

/** One example a prediction: what is shown at position 1, and what was there. */
function batchOfPredictions(
  predictions: readonly (readonly [shown: number, label: number])[],
  labels: readonly number[],
): ExampleBatch {
  const batchSize = predictions.length;
  const sizes = { batchSize, maxSeqLength: 8, maxPredictions: 2 };
  const batch = allocateBatch(tasks.pretraining, sizes);
  for (const [row, [shown, label]] of predictions.entries()) {
    columnOf(batch, 'inputIds')[8 * row + 1] = shown;
    columnOf(batch, 'maskedPositions')[2 * row] = 1;
    columnOf(batch, 'maskedIds')[2 * row] = label;
    columnOf(batch, 'maskedWeights')[2 * row] = 1;
  }
  columnOf(batch, 'nextSentenceLabels').set(labels);
  return batch;
}

it('are those of the definitions, pooled over batches', () => {
  const meter = pretrainingBaselines(statistics);
  meter.add(batchOfPredictions([[maskId, frequent], [maskId, rare]], [1, 1])); // oxfmt-ignore
  meter.add(batchOfPredictions([[rare, rare], [rare, frequent]], [1, 0])); // oxfmt-ignore
  const [pFrequent, pRare] = [7 / 16, 4 / 16];
  const kept = pRare / (pRare + 1 / 7);
  const copies = [pFrequent, pRare, kept + (1 - kept) * pRare, (1 - kept) * pFrequent];
  const mean = (shares: readonly number[]): number =>
    shares.reduce((sum, share) => sum - Math.log(share), 0) / shares.length;
  const values = meter.values();
  expect(Object.keys(values)).toEqual(tasks.pretraining.baselines.map(({ name }) => name));
  expect(values['masked_lm_loss_unigram']).toBeCloseTo(mean([pFrequent, pRare, pRare, pFrequent]));
  expect(values['masked_lm_loss_copy']).toBeCloseTo(mean(copies));
  // The frequent one is right twice; the copy is right at the first and the third.
  expect(values['masked_lm_accuracy_majority']).toBe(0.5);
  expect(values['masked_lm_accuracy_copy']).toBe(0.5);
  expect(values['next_sentence_accuracy_majority']).toBe(0.75);
  expect(values['next_sentence_loss_majority']).toBeCloseTo(
    -0.75 * Math.log(0.75) - 0.25 * Math.log(0.25),
  );
});

it('leave out what needs the training text where it is not known', () => {
  const meter = pretrainingBaselines(undefined);
  expect(meter.values()).toEqual({});
  meter.add(batchOfPredictions([[maskId, frequent]], [1]));
  expect(meter.values()).toEqual({
    next_sentence_loss_majority: 0,
    next_sentence_accuracy_majority: 1,
  });
});

it('rank as they must on real text: to copy is better than not to', () => {
  const { documents: excerpt, vocabulary } = goldenExcerpt();
  const documents = packDocuments(excerpt);
  const tokenCounts = vocabulary.tokens.map(() => 0);
  for (const id of documents.tokens.subarray()) tokenCounts[id]! += 1;
  const place = { split: 'train', seed: 1, epoch: 0, shard: 0 } as const;
  const bytes = encodeExampleShard(
    generateExamples({ documents, vocabulary, settings: defaultSettings, ...place }),
    { exampleSetId: '0'.repeat(64), ...defaultSettings },
  );
  const reader = openExampleShard(bytes, sha256Hex(bytes));
  const meter = pretrainingBaselines({ tokenCounts, maskId: vocabulary.maskId });
  const rows = Array.from({ length: reader.numExamples }, (_, example) => ({ reader, example }));
  meter.add(batchOf(tasks.pretraining, defaultSettings, rows));
  const values = meter.values();
  const [unigram = 0, copy = 0] = ['unigram', 'copy'].map((n) => values[`masked_lm_loss_${n}`]);
  expect(copy).toBeLessThan(unigram - 0.3);
  expect(copy).toBeGreaterThan(0.75 * unigram);
  expect(values['masked_lm_accuracy_copy']).toBeGreaterThan(
    (values['masked_lm_accuracy_majority'] ?? 1) + 0.05,
  );
});
