import { sha256Hex } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { initialWeights, truncatedNormalQuantile } from './initialize.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { parameterLayout } from './parameter-layout.ts';
import { microConfig, microLayout } from '../testing/golden.ts';

describe('initial weights', () => {
  it('have the same bits on every machine', () => {
    const weights = initialWeights(microLayout, microConfig, 12_345);
    expect(sha256Hex(new Uint8Array(weights.buffer))).toBe(
      '0f6a73d73fa83c92c869b0f72e05660918f1a4fb7ea9aced94bede5ddb101c95',
    );
  });

  it('are 1 for gammas, 0 for betas and biases, random for the rest', () => {
    const weights = initialWeights(microLayout, microConfig, 1);
    const distinct = (pattern: RegExp) =>
      microLayout
        .filter(({ name }) => pattern.test(name))
        .map(({ offset, size }) => new Set(weights.subarray(offset, offset + size)));
    expect(distinct(/gamma$/)).toEqual(Array.from({ length: 6 }, () => new Set([1])));
    expect(distinct(/(beta|bias)$/)).toEqual(Array.from({ length: 22 }, () => new Set([0])));
    expect(Math.min(...distinct(/(kernel|_embeddings|_weights)$/).map(({ size }) => size))).toBe(
      32,
    );
  });

  it('come from a normal distribution cut at two standard deviations', () => {
    const config = { ...microConfig, vocabSize: 40_000 };
    const layout = parameterLayout(config, pretrainingModel);
    const table = initialWeights(layout, config, 3).subarray(0, 640_000);
    const scaled = table.map((value) => value / config.initializerRange);
    const mean = scaled.reduce((total, value) => total + value, 0) / scaled.length;
    const variance = scaled.reduce((total, value) => total + value ** 2, 0) / scaled.length;
    const withinOne = scaled.filter((value) => Math.abs(value) < 1).length / scaled.length;
    expect(Math.max(...scaled.map(Math.abs).toSorted().slice(-10))).toBeLessThanOrEqual(2.0000002);
    expect(mean).toBeCloseTo(0, 2);
    expect(Math.sqrt(variance)).toBeCloseTo(0.8796, 2);
    expect(withinOne).toBeCloseTo(0.6827 / 0.9545, 2);
  });

  it('differ by seed and by parameter', () => {
    const first = initialWeights(microLayout, microConfig, 1);
    expect(initialWeights(microLayout, microConfig, 2)).not.toEqual(first);
    const kernels = microLayout.filter(({ name }) => name.endsWith('self/query/kernel'));
    const [a, b] = kernels.map(({ offset, size }) => first.slice(offset, offset + size));
    expect(a).not.toEqual(b);
  });
});

describe('truncatedNormalQuantile', () => {
  it('inverts the normal distribution cut at +-2', () => {
    // y = erf(x / sqrt 2) / erf(sqrt 2)
    const known = [
      [0, 0],
      [0.5, 0.38292492254802624 / 0.9544997361036416],
      [1, 0.6826894921370859 / 0.9544997361036416],
      [1.5, 0.8663855974622838 / 0.9544997361036416],
      [2, 1],
    ] as const;
    for (const [x, y] of known) {
      expect(truncatedNormalQuantile(y)).toBeCloseTo(x, 7);
      expect(truncatedNormalQuantile(-y)).toBeCloseTo(-x, 7);
    }
  });
});
