import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { block } from './block.ts';
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

  it('keeps and updates variables between calls: logistic regression learns', () => {
    const weights = tf.variable(tf.zeros([2, 1]));
    const target = tf.tensor2d([0, 1, 1], [3, 1]);
    const optimizer = tf.train.sgd(0.5);
    const step = (x: Tensor2D, y: Tensor2D): Tensor =>
      optimizer.minimize(
        () =>
          tf.mean(tf.losses.sigmoidCrossEntropy(y, tf.matMul(x, weights as unknown as Tensor2D))),
        true,
        [weights],
      )!;
    const compiled = compile(tensorFlow, step, [others, target], {
      variables: [weights],
      cacheFolder,
    });
    expect([...weights.dataSync()]).toEqual([0, 0]);
    const losses = Array.from({ length: 5 }, () => read(compiled(others, target)));
    compiled.readVariables();
    const learned = [...weights.dataSync()];
    weights.assign(tf.zeros([2, 1]));
    const expected = Array.from({ length: 5 }, () => read([step(others, target)]));
    expect(rounded(losses.flat())).toEqual(rounded(expected.flat()));
    expect(rounded([learned])).toEqual(rounded([[...weights.dataSync()]]));
    compiled.dispose();
    tf.dispose([weights, target]);
  });

  it('calls blocks as library functions with their own gradients', () => {
    const scaled = block(
      'scaled_square',
      (x: Tensor2D) => tf.mul<Tensor2D>(tf.square(x), 3),
      (dy, x) => [tf.mul(dy, tf.mul(x, 6))],
    );
    const twice = (x: Tensor2D): Tensor => tf.sum(scaled(scaled(x)));
    const slope = tf.grad(twice as (x: Tensor) => Tensor);
    const folder = mkdtempSync(join(cacheFolder, 'blocks-'));
    const both = (x: Tensor2D): Tensor[] => [twice(x), slope(x)];
    const compiled = compile(tensorFlow, both, [points], { cacheFolder: folder });
    expect(rounded(read(compiled(others)))).toEqual(rounded(read(both(others))));
    const file = join(folder, readdirSync(folder)[0]!, 'saved_model.pb');
    const text = readFileSync(file, 'latin1');
    expect(text.split('PartitionedCall').length - 1).toBeGreaterThanOrEqual(4);
    expect(text).toContain('scaled_square_gradient');
    compiled.dispose();
  });

  it('writes a constant of equal elements as one', () => {
    const folder = mkdtempSync(join(cacheFolder, 'uniform-'));
    const compiled = compile(
      tensorFlow,
      (x: Tensor2D) => tf.add(tf.tile(x, [1000, 1000]), tf.ones([3000, 2000])),
      [points],
      { cacheFolder: folder },
    );
    const file = join(folder, readdirSync(folder)[0]!, 'saved_model.pb');
    expect(readFileSync(file).length).toBeLessThan(10_000);
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
});

describe('what cannot be compiled', () => {
  it('is named: a value read in JavaScript', () => {
    const branching = (x: Tensor2D): Tensor =>
      tf.max(x).dataSync()[0]! > 0 ? tf.neg(x) : tf.exp(x);
    expect(() => compile(tensorFlow, branching, [points], { cacheFolder })).toThrow(
      /operation Max.* cannot be compiled: its result is read in JavaScript/,
    );
  });

  it('is named: a result whose size depends on values', () => {
    expect(() =>
      compile(tensorFlow, (x: Tensor2D) => tf.unique(tf.reshape(x, [6])).values, [points], {
        cacheFolder,
      }),
    ).toThrow(/cannot be compiled: the size of its result depends on values/);
  });

  it('is a tensor made before, and a tensor a block takes from around it', () => {
    const earlier = tf.tidy(() => tf.keep(tf.square(others)));
    expect(() =>
      compile(tensorFlow, (x: Tensor2D) => tf.add(x, earlier), [points], { cacheFolder }),
    ).toThrow('pass it as an input');
    const leaky = (x: Tensor2D): Tensor => {
      const outside = tf.square(x);
      return block('leaky', (inside: Tensor2D) => tf.add(inside, outside))(x);
    };
    expect(() => compile(tensorFlow, leaky, [points], { cacheFolder })).toThrow(
      'a block uses a tensor that was computed outside of it',
    );
    earlier.dispose();
  });

  it('is an input of another shape', () => {
    const compiled = compile(tensorFlow, (x: Tensor2D) => tf.neg(x), [points], { cacheFolder });
    expect(() => compiled(tf.zeros([2, 3]))).toThrow('compiled for float32 [3, 2]');
    compiled.dispose();
  });
});
