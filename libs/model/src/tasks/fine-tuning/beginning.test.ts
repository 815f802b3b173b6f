import type { FineTuning } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { continueFrom } from '../../parameters/continue-from.ts';
import { initialWeights } from '../../parameters/initialize.ts';
import { numParametersOf, parameterLayout } from '../../parameters/parameter-layout.ts';
import { fineTunings } from '../../testing/fine-tuning-golden.ts';
import { goldenFlat, microConfig, microLayout } from '../../testing/golden.ts';
import { fineTuningModel } from './fine-tuning-model.ts';

const layoutOf = (fineTuning: FineTuning) =>
  parameterLayout(microConfig, fineTuningModel(fineTuning));

/** A parameter as drawn from a seed. */
function drawn(fineTuning: FineTuning, name: string, seed = 1): Float32Array {
  const layout = layoutOf(fineTuning);
  const { offset, size } = layout.find((spec) => spec.name === name)!;
  return initialWeights(layout, microConfig, seed).slice(offset, offset + size);
}

const { classify, tag, answer } = fineTunings as Record<string, FineTuning>;

it('has parameters of the encoder, then the pooler where the head reads it, then the layer of the head', () => {
  const behind = Object.values(fineTunings).map((fineTuning) =>
    layoutOf(fineTuning)
      .slice(5 + 16 * microConfig.numLayers)
      .map(({ name, shape, decayed }) => `${name} [${shape.join()}]${decayed ? ' decayed' : ''}`),
  );
  const pooler = ['bert/pooler/dense/kernel [16,16] decayed', 'bert/pooler/dense/bias [16]'];
  const layer = (scope: string, size: number) => [
    `${scope}/output_weights [${size},16] decayed`,
    `${scope}/output_bias [${size}]`,
  ];
  expect(behind).toEqual([
    [...pooler, ...layer('classifier', 3)],
    [...pooler, ...layer('classifier', 3)],
    [...pooler, ...layer('classifier', 3)],
    [...pooler, ...layer('classifier', 3)],
    [...pooler, ...layer('classifier', 1)],
    layer('classifier', 3),
    layer('qa_outputs', 2),
  ]);
});

it('draws what pre-training has as pre-training does, and a head by its name, wherever it stands', () => {
  const pretraining = initialWeights(microLayout, microConfig, 1);
  const shared = numParametersOf(layoutOf(classify!).slice(0, -2));
  const fresh = initialWeights(layoutOf(classify!), microConfig, 1);
  expect(fresh.subarray(0, shared)).toEqual(pretraining.subarray(0, shared));
  const weights = drawn(classify!, 'classifier/output_weights');
  expect(drawn(tag!, 'classifier/output_weights')).toEqual(weights);
  expect(drawn(classify!, 'classifier/output_weights', 2)).not.toEqual(weights);
  expect(drawn(answer!, 'qa_outputs/output_weights')).not.toEqual(weights.subarray(0, 32));
  expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(0.04);
  expect(Math.max(...weights.map(Math.abs))).toBeGreaterThan(0.03);
  expect(drawn(classify!, 'classifier/output_bias')).toEqual(new Float32Array(3));
});

it('begins with a pre-trained encoder, a new head, and without those of pre-training', () => {
  const flat = goldenFlat('model-micro.safetensors');
  const stored = microLayout.map(({ name, shape, offset, size }) => {
    return [name, { shape, values: flat.slice(offset, offset + size) }] as const;
  });
  const begun = (fineTuning: FineTuning) =>
    continueFrom({
      task: fineTuningModel(fineTuning),
      model: microConfig,
      seed: 1,
      weights: new Map(stored),
      oldEntries: new Map(),
    });
  const { state, fresh, unused } = begun(classify!);
  expect(fresh).toEqual(['classifier/output_weights', 'classifier/output_bias']);
  expect(new Set(unused.map((name) => name.split('/')[0]))).toEqual(new Set(['cls']));
  const encoder = numParametersOf(layoutOf(tag!).slice(0, -2));
  expect(state.weights.subarray(0, encoder)).toEqual(flat.subarray(0, encoder));
  expect(begun(tag!).unused).toEqual(expect.arrayContaining(['bert/pooler/dense/kernel']));
});

describe('a model that is fine-tuned', () => {
  const stored: FineTuning = { kind: 'classify', labels: ['no', 'yes', 'perhaps'] };
  const layout = layoutOf(stored);
  const flat = initialWeights(layout, microConfig, 7);
  const weights = new Map(
    layout.map(({ name, shape, offset, size }) => {
      return [name, { shape, values: flat.slice(offset, offset + size) }] as const;
    }),
  );
  const goneOn = (begun: FineTuning, knows = true) =>
    continueFrom({
      task: fineTuningModel(begun),
      model: microConfig,
      seed: 1,
      weights,
      oldEntries: new Map(),
      ...(knows && { heads: { stored, begun } }),
    });

  it('goes on with its head where that is for the same', () => {
    const { state, fresh, unused } = goneOn({ ...stored });
    expect(state.weights).toEqual(flat);
    expect([...fresh, ...unused]).toEqual([]);
  });

  it.each<readonly [FineTuning, string]>([
    [{ kind: 'classify', labels: ['no', 'yes'] }, 'classify with the labels "no", "yes":'],
    [
      { kind: 'classify', labels: ['yes', 'no', 'perhaps'] },
      'classify with the labels "yes", "no", "perhaps":',
    ],
    [{ kind: 'tag', labels: ['no', 'yes', 'perhaps'] }, 'tag with the labels'],
    [{ kind: 'answer' }, 'answer:'],
    [
      { kind: 'tag', labels: Array.from({ length: 22 }, (_, label) => `B-${label}`) },
      '"B-19", … (22):',
    ],
  ])('is refused for something else, with the labels of both: %o', (begun, named) => {
    const of = 'fine-tuned for classify with the labels "no", "yes", "perhaps", this run is for';
    for (const part of [of, named, 'the same labels in the same order; or leave its head'])
      expect(() => goneOn(begun)).toThrow(
        expect.objectContaining({
          code: 'CHECKPOINT_MISMATCH',
          message: expect.stringContaining(part) as string,
        }),
      );
  });

  it('is not refused for its model section where its labels are not known', () => {
    const message =
      'has classifier/output_weights as [3, 16], this run as [2, 16]: its head is for another number of labels';
    expect(() => goneOn({ kind: 'classify', labels: ['no', 'yes'] }, false)).toThrow(message);
  });
});
