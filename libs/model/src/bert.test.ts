import { startTensorFlow } from '@berth/graph';
import { tidy, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { uploadBatch } from './eager/batch-tensors.ts';
import { bertForPretraining } from './bert.ts';
import { splitFlat } from './eager/flat-tensors.ts';
import { pretrainingLoss } from './tasks/pretraining/losses.ts';
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
    const outputs = bertForPretraining({ config: microConfig, weights, batch: tensors });
    const losses = pretrainingLoss(outputs, tensors, {
      maskedLm: 1 / (4 + 1e-5),
      nextSentence: 1 / 4,
    });
    const read = ([name, tensor]: [string, Tensor]) => [name, Float32Array.from(tensor.dataSync())];
    return Object.fromEntries(Object.entries({ ...outputs, ...losses }).map(read));
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
      maskedLmLogits_RV: batch0.mlmLogits.flat(2),
      nextSentenceLogits_B2: batch0.nspLogits.flat(),
      maskedLm: [batch0.mlmLossNumerator],
      nextSentence: [batch0.nextSentenceLoss * 4],
      total: [batch0.loss],
    };
    expect(namesBeyondTolerance(actual, expected)).toEqual([]);
  });

  it('gives the same losses and predictions when examples are padded further', () => {
    const plain = forward();
    const padded = forward(padBatch(goldenBatch(0), 24));
    const { pooled_BH, maskedLmLogits_RV, total } = plain;
    expect(namesBeyondTolerance(padded, { pooled_BH, maskedLmLogits_RV, total })).toEqual([]);
  });

  it('does not look at the ids of padding tokens', () => {
    const batch = goldenBatch(0);
    const inputIds = batch.inputIds.map((id, token) => (batch.inputMask[token] === 1 ? id : 42));
    const changed = forward({ ...batch, inputIds });
    expect(changed['maskedLmLogits_RV']).toEqual(forward()['maskedLmLogits_RV']);
  });
});
