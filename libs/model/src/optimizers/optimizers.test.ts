import { startTensorFlow } from '@berth/graph';
import { tensor1d, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { goldenOptimizer, relativeError } from '../testing/golden.ts';
import type { ParameterState, UpdateContext } from './update-rule.ts';
import { updateRules } from './update-rules.ts';

beforeAll(() => {
  startTensorFlow({ numThreads: 1 });
});

function fresh(weights: readonly number[]): ParameterState {
  const zeros = () => tensor1d(weights.map(() => 0));
  return { weight: tensor1d([...weights]), firstMoment: zeros(), secondMoment: zeros() };
}

function context(name: 'adamw' | 'lamb', changes: Partial<UpdateContext> = {}): UpdateContext {
  return { config: goldenOptimizer(name), step: 0, learningRate: 0.01, decayed: true, ...changes };
}

function first(values: Tensor): number {
  return values.dataSync()[0] ?? Number.NaN;
}

describe('adamw', () => {
  it('takes the steps of the BERT release', () => {
    const expected = [0.9682872202370383, 0.9257039772619619, 0.8761180941110922];
    let state = fresh([1]);
    const weights = expected.map((_, step) => {
      state = updateRules.adamw(state, tensor1d([0.1]), context('adamw', { step }));
      return first(state.weight);
    });
    expect(relativeError(weights, expected)).toBeLessThan(3e-7);
  });

  it('moves only the moments at learning rate 0', () => {
    const before = fresh([1, -2]);
    const after = updateRules.adamw(
      before,
      tensor1d([0.1, 0.2]),
      context('adamw', { learningRate: 0 }),
    );
    expect([...after.weight.dataSync()]).toEqual([1, -2]);
    expect(relativeError(after.firstMoment.dataSync(), [0.01, 0.02])).toBeLessThan(1e-6);
    expect(relativeError(after.secondMoment.dataSync(), [1e-5, 4e-5])).toBeLessThan(1e-6);
  });

  it('leaves a parameter that is not decayed alone when its gradient is 0', () => {
    const zero = tensor1d([0]);
    const kept = updateRules.adamw(fresh([1]), zero, context('adamw', { decayed: false }));
    const decayed = updateRules.adamw(fresh([1]), zero, context('adamw'));
    expect(first(kept.weight)).toBe(1);
    expect(first(decayed.weight)).toBeCloseTo(1 - 0.01 * 0.01, 7);
  });

  it("finds the minimum of Google's test within 100 steps", () => {
    const target = [0.4, 0.2, -0.5];
    const changes = { learningRate: 0.2, decayed: false };
    let state = fresh([0.1, -0.2, -0.1]);
    for (let step = 0; step < 100; step++) {
      const gradient = Float32Array.from(
        state.weight.dataSync(),
        (weight, index) => (2 / 3) * (weight - (target[index] ?? 0)),
      );
      state = updateRules.adamw(state, tensor1d(gradient), context('adamw', { ...changes, step }));
    }
    const distances = Array.from(state.weight.dataSync(), (weight, index) =>
      Math.abs(weight - (target[index] ?? 0)),
    );
    expect(Math.max(...distances)).toBeLessThan(1e-2);
  });
});

describe('lamb', () => {
  const gradient = () => tensor1d([0.3, -0.4]);

  it('moves a decayed tensor by the learning rate times its own length', () => {
    const { weight } = updateRules.lamb(fresh([3, 4]), gradient(), context('lamb'));
    const [a = 0, b = 0] = weight.dataSync();
    expect(Math.hypot(a - 3, b - 4)).toBeCloseTo(0.01 * 5, 6);
  });

  it('takes the plain step where the tensor is 0, and for biases', () => {
    const fromZero = updateRules.lamb(fresh([0, 0]), gradient(), context('lamb'));
    expect(relativeError(fromZero.weight.dataSync(), [-0.01, 0.01])).toBeLessThan(1e-4);
    const bias = updateRules.lamb(fresh([3, 4]), gradient(), context('lamb', { decayed: false }));
    expect(relativeError(bias.weight.dataSync(), [2.99, 4.01])).toBeLessThan(1e-6);
  });
});
