import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Optimizer, Rank, Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { compile } from './compile.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-compile-'));

afterAll(() => rmSync(cacheFolder, { recursive: true }));

/** Reads and disposes. */
function read(tensors: readonly Tensor[]): number[][] {
  return tensors.map((tensor) => {
    const values = [...tensor.dataSync()];
    tensor.dispose();
    return values;
  });
}

/** Four significant digits of every value. */
function rounded(values: readonly number[][]): string[][] {
  return values.map((row) => row.map((value) => value.toPrecision(4)));
}

const points = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
const others = tf.tensor2d([-1, 0.5, 2, 0, 1, -2], [3, 2]);

describe('a compiled function', () => {
  it('gives what the function gives, for other inputs too', () => {
    const attend = (x: Tensor2D): Tensor[] => {
      const weights = tf.softmax(tf.matMul(x, x, false, true));
      return [tf.matMul(weights, x), tf.argMax(weights, 1)];
    };
    const compiled = compile(tensorFlow, attend, [points], { cacheFolder });
    for (const input of [points, others])
      expect(rounded(read(compiled(input)))).toEqual(rounded(read(attend(input))));
    compiled.dispose();
  });

  it('computes gradients', () => {
    const loss = (x: Tensor): Tensor => tf.sum(tf.mul(tf.tanh(x), tf.sigmoid(x)));
    const slope = tf.grad(loss);
    const compiled = compile(tensorFlow, (x: Tensor2D) => slope(x), [points], { cacheFolder });
    expect(rounded(read(compiled(others)))).toEqual(rounded(read([slope(others)])));
    compiled.dispose();
  });

  it('gives inputs, constants and repeated values as results, and leaves its inputs as they were', () => {
    const compiled = compile(
      tensorFlow,
      (x: Tensor2D, y: Tensor2D) => [x, tf.scalar(4), y, tf.add(x, y), tf.add(x, y)],
      [points, points],
      { cacheFolder },
    );
    const results = compiled(points, others);
    compiled(others, others).forEach((tensor) => tensor.dispose());
    expect(read(results)).toEqual([
      [1, 2, 3, 4, 5, 6],
      [4],
      [-1, 0.5, 2, 0, 1, -2],
      [0, 2.5, 5, 4, 6, 4],
      [0, 2.5, 5, 4, 6, 4],
    ]);
    expect([...points.dataSync()]).toEqual([1, 2, 3, 4, 5, 6]);
    compiled.dispose();
  });

  it('takes scalars from around it, whether TensorFlow has seen them or not', () => {
    const [two, row] = [tf.scalar(2), tf.tensor2d([10], [1, 1])];
    const scale = (x: Tensor2D): Tensor => tf.add(tf.mul(x, two), row);
    const uploading = compile(tensorFlow, scale, [points], { cacheFolder });
    const reading = compile(tensorFlow, scale, [points], { cacheFolder });
    for (const compiled of [uploading, reading]) {
      expect(read(compiled(points))).toEqual([[12, 14, 16, 18, 20, 22]]);
      compiled.dispose();
    }
    tf.dispose([two, row]);
  });

  it('draws the numbers of a seed, as the function does', () => {
    const noisy = (x: Tensor2D): Tensor => tf.add(x, tf.randomNormal([3, 2], 0, 1, 'float32', 7));
    const compiled = compile(tensorFlow, noisy, [points], { cacheFolder });
    expect(read(compiled(others))).toEqual(read([noisy(others)]));
    expect(Math.random()).toBeLessThan(1);
    compiled.dispose();
  });

  it('leaves no tensors behind but its results', () => {
    const compiled = compile(tensorFlow, (x: Tensor2D) => tf.exp(tf.add(x, 1)), [points], {
      cacheFolder,
    });
    const numBefore = [tf.memory().numTensors, tensorFlow.numTensors()];
    for (let call = 0; call < 20; call++) read(compiled(others));
    expect([tf.memory().numTensors, tensorFlow.numTensors()]).toEqual(numBefore);
    compiled.dispose();
  });

  it('refuses inputs of another shape', () => {
    const compiled = compile(tensorFlow, (x: Tensor2D) => tf.neg(x), [points], { cacheFolder });
    expect(() => compiled(tf.zeros([2, 3]))).toThrow(
      'input0 is float32 [2, 3], the graph is for float32 [3, 2]',
    );
    compiled.dispose();
  });
});

describe('variables of a compiled function', () => {
  const target = tf.tensor2d([0, 1, 1], [3, 1]);

  it.each([
    ['sgd', () => tf.train.sgd(0.5)],
    ['momentum', () => tf.train.momentum(0.1, 0.9)],
    ['adam', () => tf.train.adam(0.1)],
  ])('are updated between calls: logistic regression learns with %s', (_, optimizerOf) => {
    const weights = tf.variable(tf.zeros<Rank.R2>([2, 1]));
    const stepWith = (optimizer: Optimizer) => (x: Tensor2D, y: Tensor2D) =>
      optimizer.minimize(
        () => tf.mean(tf.losses.sigmoidCrossEntropy(y, tf.matMul(x, weights))),
        true,
        [weights],
      )!;
    const compiled = compile(tensorFlow, stepWith(optimizerOf()), [others, target], {
      cacheFolder,
    });
    const losses = Array.from({ length: 5 }, () => read(compiled(others, target)));
    expect([...weights.dataSync()]).toEqual([0, 0]);
    const { [weights.name]: learned } = compiled.readVariables();
    const step = stepWith(optimizerOf());
    const expected = Array.from({ length: 5 }, () => read([step(others, target)]));
    expect(rounded(losses.flat())).toEqual(rounded(expected.flat()));
    expect(losses[4]![0]![0]).toBeLessThan(losses[0]![0]![0]!);
    expect(rounded(read([learned!]))).toEqual(rounded([[...weights.dataSync()]]));
    compiled.dispose();
    tf.disposeVariables();
  });

  it('keep apart although tfjs made them from one tensor, and can be exchanged', () => {
    const start = tf.tensor1d([1, 2]);
    const [a, b] = [tf.variable(start), tf.variable(start)];
    const exchange = (x: Tensor): Tensor => {
      const [oldA, oldB] = [a.clone(), b.clone()];
      a.assign(oldB);
      b.assign(tf.add<Tensor1D>(oldA, x));
      return tf.concat([oldA, oldB]);
    };
    const compiled = compile(tensorFlow, exchange, [start], { cacheFolder });
    expect(read(compiled(start)).flat()).toEqual([1, 2, 1, 2]);
    expect(read(compiled(start)).flat()).toEqual([1, 2, 2, 4]);
    const held = compiled.readVariables();
    expect(read([held[a.name]!, held[b.name]!])).toEqual([
      [2, 4],
      [2, 4],
    ]);
    compiled.writeVariables({ [a.name]: tf.tensor1d([0, 7]) });
    expect(read(compiled(start)).flat()).toEqual([0, 7, 2, 4]);
    compiled.dispose();
    tf.disposeVariables();
  });

  it('are as they were in tfjs, which holds no more tensors than before', () => {
    const counter = tf.variable(tf.add(3, 0));
    const unused = tf.variable(tf.add(1, 0));
    const numBefore = [tf.memory().numTensors, tensorFlow.numTensors()];
    const count = (x: Tensor2D): Tensor => {
      counter.assign(tf.add(counter, 1));
      return tf.mul(x, counter);
    };
    const compiled = compile(tensorFlow, count, [points], { cacheFolder });
    expect(counter.dataSync()[0]).toBe(3);
    expect([tf.memory().numTensors, tensorFlow.numTensors()]).toEqual(numBefore);
    const held = compiled.readVariables();
    expect(Object.keys(held)).toEqual([counter.name]);
    compiled.dispose();
    tf.dispose([held, counter, unused]);
  });
});
