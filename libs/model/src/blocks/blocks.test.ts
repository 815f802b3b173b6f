import { startTensorFlow } from '@berth/graph';
import {
  mul,
  ones,
  randomNormal,
  sum,
  tensor,
  tensor1d,
  tidy,
  valueAndGrads,
  type Rank,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { relativeError } from '../testing/golden.ts';
import { attention } from './attention.ts';
import { weightedCrossEntropy } from './cross-entropy.ts';
import { gatherRows } from './gather-rows.ts';
import { geluErf, geluTanh } from './gelu.ts';
import { layerNorm } from './layer-norm.ts';
import { linear, linearTransposed } from './linear.ts';

beforeAll(() => {
  startTensorFlow({ numThreads: 2 });
});

interface Case {
  readonly inputs: readonly (readonly number[])[];
  readonly block: (...inputs: Tensor[]) => Tensor;
}

const mask = (shape: number[]) =>
  tensor(
    Float32Array.from({ length: 2 * 2 * 3 * 3 }, (_, i) => (i % 4 === 0 ? 0 : 1.25)),
    shape,
  );

const cases: Record<string, Case> = {
  linear: {
    inputs: [[4, 3], [3, 5], [5]],
    block: (x, kernel, bias) => linear(x as Tensor2D, kernel as Tensor2D, bias as Tensor1D),
  },
  linearTransposed: {
    inputs: [[4, 3], [5, 3], [5]],
    block: (x, weights, bias) =>
      linearTransposed(x as Tensor2D, weights as Tensor2D, bias as Tensor1D),
  },
  layerNorm: {
    inputs: [[4, 6], [6], [6]],
    block: (x, gamma, beta) => layerNorm(x as Tensor2D, gamma as Tensor1D, beta as Tensor1D, 1e-12),
  },
  geluTanh: { inputs: [[5, 4]], block: (x) => geluTanh(x) },
  geluErf: { inputs: [[5, 4]], block: (x) => geluErf(x) },
  gatherRows: {
    inputs: [[5, 3]],
    block: (table) => gatherRows(table as Tensor2D, tensor1d([4, 0, 4, 2], 'int32')),
  },
  weightedCrossEntropy: {
    inputs: [[4, 6]],
    block: (logits) =>
      weightedCrossEntropy(
        logits as Tensor2D,
        tensor1d([5, 0, 2, 2], 'int32'),
        tensor1d([1, 0, 0.5, 2]),
      ),
  },
  attention: {
    inputs: [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    block: (query, key, value) => attentionOf(query, key, value, undefined),
  },
  'attention with dropout': {
    inputs: [
      [2, 2, 3, 4],
      [2, 2, 3, 4],
      [2, 2, 3, 4],
    ],
    block: (query, key, value) => attentionOf(query, key, value, mask([2, 2, 3, 3])),
  },
};

function attentionOf(query?: Tensor, key?: Tensor, value?: Tensor, dropoutMask_BNSS?: Tensor) {
  return attention({
    query_BNSD: query as Tensor4D,
    key_BNSD: key as Tensor4D,
    value_BNSD: value as Tensor4D,
    bias_B1QS: tensor([0, 0, -10_000, 0, 0, 0], [2, 1, 1, 3]),
    dropoutMask_BNSS,
  });
}

describe('hand-written gradients', () => {
  it.each(Object.entries(cases))('of %s agree with finite differences', (_, { inputs, block }) => {
    tidy(() => {
      const values = inputs.map((shape, index) =>
        randomNormal([...shape], 0, 1, 'float32', index + 1),
      );
      const weights = randomNormal(block(...values).shape, 0, 1, 'float32', 99);
      const weighted = (...args: Tensor[]) => sum(mul(block(...args), weights));
      const scales = weights.dataSync();
      const { grads } = valueAndGrads(weighted)(values);
      values.forEach((value, index) => {
        const valueAt = (moved: Tensor) => {
          const outputs = Float64Array.from(block(...values.with(index, moved)).dataSync());
          return outputs.reduce((total, output, i) => total + output * (scales[i] ?? 0), 0);
        };
        const numeric = centralDifferences(value, valueAt);
        expect(relativeError(grads[index]?.dataSync() ?? [], numeric)).toBeLessThan(2e-3);
      });
    });
  });
});

/** Slopes of `valueAt` along each element, with a step wide enough for fp32. */
function centralDifferences(value: Tensor, valueAt: (moved: Tensor) => number): Float64Array {
  const step = 2 ** -7;
  const center = Float32Array.from(value.dataSync());
  return Float64Array.from(center, (element, index) => {
    const moved = (by: number) => valueAt(tensor(center.with(index, element + by), value.shape));
    return (moved(step) - moved(-step)) / (2 * step);
  });
}

describe('GELU', () => {
  it('takes its known values in both forms', () => {
    const x = tensor1d([-2.7, -1, 0, 1, 3]);
    const phi = [0.0034669738, 0.1586552539, 0.5, 0.8413447461, 0.998650102];
    const exact = [-2.7, -1, 0, 1, 3].map((value, index) => value * (phi[index] ?? 0));
    expect(relativeError(geluErf(x).dataSync(), exact)).toBeLessThan(1e-6);
    const gap = (geluTanh(x).dataSync()[0] ?? 0) - (exact[0] ?? 0);
    expect(Math.abs(gap)).toBeGreaterThan(3e-4);
    expect(Math.abs(gap)).toBeLessThan(5e-4);
  });
});

describe('gatherRows', () => {
  it('sums its gradient in the same order every time', () => {
    const table = ones<Rank.R2>([50, 64]);
    const rows = Int32Array.from({ length: 4000 }, (_, index) => (index * index) % 50);
    const upstream = randomNormal([4000, 64], 0, 1, 'float32', 7);
    const gradient = () =>
      tidy(() => {
        const taken = (input: Tensor) =>
          sum(mul(gatherRows(input as Tensor2D, tensor1d(rows, 'int32')), upstream));
        return Float32Array.from(valueAndGrads(taken)([table]).grads[0]?.dataSync() ?? []);
      });
    const first = gradient();
    for (let repeat = 0; repeat < 5; repeat++) expect(gradient()).toEqual(first);
  });
});
