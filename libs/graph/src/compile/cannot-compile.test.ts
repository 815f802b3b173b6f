import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it } from 'vitest';
import { startTensorFlow } from '../tensorflow.ts';
import { block } from './block.ts';
import { compile } from './compile.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;
const cacheFolder = mkdtempSync(join(tmpdir(), 'berth-cannot-compile-'));
const points = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

afterAll(() => rmSync(cacheFolder, { recursive: true }));

function compiling(fn: (x: Tensor2D) => unknown): () => void {
  return () => void compile(tensorFlow, fn as (x: Tensor2D) => Tensor, [points], { cacheFolder });
}

describe('what cannot be compiled is named', () => {
  it.each<[string, (x: Tensor2D) => unknown, RegExp]>([
    [
      'a value read in JavaScript',
      (x) => (tf.max(x).dataSync()[0]! > 0 ? tf.neg(x) : tf.exp(x)),
      /operation Max cannot be compiled: its result is read in JavaScript/,
    ],
    [
      'an input read in JavaScript',
      (x) => tf.mul(x, x.arraySync()[0]![0]!),
      /operation input_0 .* read/,
    ],
    [
      'a value that is printed',
      (x) => (tf.square(x).print(), x),
      /operation Square cannot be compiled: its result is read in JavaScript/,
    ],
    [
      'a result whose size depends on values',
      (x) => tf.unique(tf.reshape(x, [6])).values,
      /operation UniqueV2 cannot be compiled: the size of its result depends on values/,
    ],
    [
      'a selection whose size depends on values',
      (x) => tf.image.nonMaxSuppression(tf.zeros([3, 4]), tf.max<Tensor1D>(x, 1), 2),
      /operation NonMaxSuppressionV3 cannot be compiled: the size of its result depends on values/,
    ],
    [
      'random numbers without a seed',
      (x) => tf.dropout(x, 0.5),
      /draws random numbers in JavaScript/,
    ],
    ['an asynchronous function', (x) => Promise.resolve(x), /returns a promise/],
    ['a function that returns no tensor', () => 3, /returns number/],
    [
      'a result of a type that has no place',
      (x) => tf.complex(x, x),
      /result 0 is of type complex64/,
    ],
    ['a variable made at every call', (x) => tf.variable(x), /makes new variables at every call/],
  ])('%s', (_, fn, message) => {
    expect(compiling(fn)).toThrow(message);
    tf.disposeVariables();
  });

  it('a tensor made before, with the operation that uses it', () => {
    const earlier = tf.square(points);
    expect(compiling((x) => tf.add(x, earlier))).toThrow(
      'made before it (in the operation Add); pass it as an input, or make it a variable',
    );
    const notUploaded = tf.tensor1d([1, 2]);
    expect(compiling((x) => tf.add(x, notUploaded))).toThrow(
      'made before it (in the operation Add)',
    );
    expect(compiling(() => earlier)).toThrow('made before it (as a result)');
    tf.dispose([earlier, notUploaded]);
  });

  it('a tensor or a variable that a block takes from around it', () => {
    const leaky = (x: Tensor2D): Tensor => {
      const outside = tf.square(x);
      return block('leaky', (inside: Tensor2D) => tf.add(inside, outside))(x);
    };
    const message = 'a block uses a tensor that was computed outside of it (in the operation Add)';
    expect(compiling(leaky)).toThrow(message);
    const weights = tf.variable(tf.ones([3, 2]));
    expect(compiling(block('weighted', (x: Tensor2D) => tf.add(x, weights)))).toThrow(message);
    weights.dispose();
  });

  it('a compiled function inside of another', () => {
    const inner = compile(tensorFlow, (x: Tensor2D) => tf.neg(x), [points], { cacheFolder });
    expect(compiling((x) => inner(x))).toThrow('a compiled function is called inside of one');
    inner.dispose();
  });
});

describe('a failed compilation', () => {
  it('leaves tensors, variables and randomness as they were', () => {
    const weights = tf.variable(tf.add(2, 0));
    const numBefore = [tf.memory().numTensors, tensorFlow.numTensors()];
    const failing = (x: Tensor2D): Tensor => {
      weights.assign(tf.mul(weights, 5));
      return tf.unique(tf.reshape(x, [6])).values;
    };
    expect(compiling(failing)).toThrow('UniqueV2');
    expect(weights.dataSync()[0]).toBe(2);
    expect([tf.memory().numTensors, tensorFlow.numTensors()]).toEqual(numBefore);
    expect(Math.random()).toBeLessThan(1);
    expect(tf.square(points).dataSync()[1]).toBe(4);
    tf.disposeVariables();
  });
});
