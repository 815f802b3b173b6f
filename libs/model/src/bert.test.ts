import { columnOf } from '@berth/contracts';
import { startTensorFlow } from '@berth/graph';
import { tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { uploadBatch } from './eager/batch-tensors.ts';
import { encode, pool } from './bert.ts';
import { splitFlat } from './eager/flat-tensors.ts';
import { pretrainingModel } from './tasks/pretraining/pretraining-model.ts';
import {
  golden,
  goldenBatch,
  goldenFlat,
  microConfig,
  microLayout,
  relativeError,
} from './testing/golden.ts';
import { padBatch } from './testing/requests.ts';
import { namedWeights } from './parameters/weights.ts';

const tolerance = 2e-6;

beforeAll(() => {
  startTensorFlow({ numThreads: 1 });
});

function forward(batch = goldenBatch(0)): Record<string, Float32Array> {
  return tidy(() => {
    const tensors = uploadBatch(batch);
    const weights = namedWeights(
      microLayout,
      splitFlat(microLayout, goldenFlat('model-micro.safetensors')),
    );
    const context = { config: microConfig, weights, batch: tensors };
    const sequence_TH = encode(context);
    const outputs = pretrainingModel.eager.outputs(context, sequence_TH);
    const sums = pretrainingModel.eager.sums(outputs, tensors);
    const all = { sequence_TH, pooled_BH: pool(context, sequence_TH), ...outputs, ...sums };
    return Object.fromEntries(
      Object.entries(all).map(([name, tensor]) => [name, Float32Array.from(tensor.dataSync())]),
    );
  });
}

function namesBeyondTolerance(
  actual: Record<string, ArrayLike<number>>,
  expected: Record<string, ArrayLike<number> | undefined>,
): string[] {
  const isBeyond = (name: string) =>
    !(relativeError(actual[name] ?? [], expected[name] ?? []) < tolerance);
  return Object.keys(expected).filter(isBeyond);
}

describe('BERT for pretraining', () => {
  it('gives the reference outputs and losses', () => {
    const { batch0 } = golden;
    const actual = forward();
    const expected = {
      sequence_TH: batch0.sequenceOutput.flat(2),
      pooled_BH: batch0.pooledOutput.flat(),
      maskedLmLogits: batch0.mlmLogits.flat(2),
      nextSentenceLogits: batch0.nspLogits.flat(),
      maskedLmLoss: [batch0.mlmLossNumerator],
      maskedWeight: [batch0.mlmWeightSum],
      nextSentenceLoss: [batch0.nextSentenceLoss * 4],
    };
    expect(namesBeyondTolerance(actual, expected)).toEqual([]);
  });

  it('gives the same losses and predictions when examples are padded further', () => {
    const plain = forward();
    const padded = forward(padBatch(goldenBatch(0), 24));
    const { pooled_BH, maskedLmLogits, maskedLmLoss, nextSentenceLoss } = plain;
    const expected = { pooled_BH, maskedLmLogits, maskedLmLoss, nextSentenceLoss };
    expect(namesBeyondTolerance(padded, expected)).toEqual([]);
  });

  it('does not look at the ids of padding tokens', () => {
    const batch = goldenBatch(0);
    const inputMask = columnOf(batch, 'inputMask');
    const inputIds = Int32Array.from(columnOf(batch, 'inputIds'), (id, token) =>
      inputMask[token] === 1 ? id : 42,
    );
    const changed = forward({ ...batch, columns: { ...batch.columns, inputIds } });
    expect(changed['maskedLmLogits']).toEqual(forward()['maskedLmLogits']);
  });
});
