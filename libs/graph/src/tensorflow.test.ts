import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BerthError } from '@berth/contracts';
import type { Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { numericsOf, startTensorFlow } from './tensorflow.ts';

const options = { numThreads: 1, device: 'cpu' } as const;
const tensorFlow = startTensorFlow(options);
const { tf } = tensorFlow;

describe('startTensorFlow', () => {
  it('makes TensorFlow 2.21 the backend of tfjs-core', () => {
    expect(tensorFlow.version).toBe('2.21.0');
    expect(tensorFlow.device).toBe('cpu');
    expect(tf.getBackend()).toBe('tensorflow');
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    expect([...product.dataSync()]).toEqual([19, 22, 43, 50]);
  });

  it('returns the running one for the same options and refuses others', () => {
    expect(startTensorFlow({ device: 'cpu', numThreads: 1 })).toBe(tensorFlow);
    expect(() => startTensorFlow({ ...options, numThreads: 2 })).toThrow(BerthError);
    expect(() => startTensorFlow({ ...options, numThreads: 2 })).toThrow(/already runs/);
  });

  it('counts the tensors held', () => {
    const one = tf.add(tf.scalar(1), 0);
    const before = tensorFlow.numTensors();
    const two = tf.add(one, one);
    expect(tensorFlow.numTensors()).toBe(before + 1);
    two.dispose();
    expect(tensorFlow.numTensors()).toBe(before);
  });

  it('states what decides the bits', () => {
    expect(numericsOf(tensorFlow)).toEqual({
      tensorflow: '2.21.0',
      device: 'cpu',
      kernels: tensorFlow.kernels,
      numThreads: 1,
    });
    expect(tensorFlow.kernels).toMatch(/^(generic|sse41|avx)/);
  });
});

describe('memory of tensors', () => {
  const collectGarbage = exposeGarbageCollector();
  const length = 1 << 20;
  const filled = (value: number): Tensor => tf.tidy(() => tf.mul(tf.ones([length]), value));

  it('shows the memory of a large tensor instead of copying it', () => {
    const tensor = filled(2);
    const [first, second] = [tensor.dataSync(), tensor.dataSync()];
    expect(first.buffer).not.toBe(second.buffer);
    first[7] = 5;
    expect(second[7]).toBe(5);
    tensor.dispose();
  });

  it('keeps what was read from disposed tensors through garbage collection', async () => {
    const values = Array.from({ length: 8 }, (_, index) =>
      tf.tidy(() => filled(index + 0.5).dataSync()),
    );
    await collectGarbage();
    const overwriting = Array.from({ length: 8 }, () => filled(-1));
    for (const [index, array] of values.entries())
      expect(Buffer.from(array.buffer).equals(bytesOf(index + 0.5))).toBe(true);
    tf.dispose(overwriting);
  });

  it('gives memory back once nothing refers to it', async () => {
    await collectGarbage();
    const before = process.memoryUsage().external;
    for (let round = 0; round < 8; round++) tf.tidy(() => filled(round).dataSync());
    // One collection may not find all of it: a value can linger on the stack.
    await vi.waitFor(
      async () => {
        await collectGarbage();
        expect(process.memoryUsage().external - before).toBeLessThan(
          2 * length * Float32Array.BYTES_PER_ELEMENT,
        );
      },
      { interval: 50 },
    );
  });

  it('never shares the memory of an array that a tensor was made from', () => {
    for (let offset = 0; offset < 16; offset++) {
      const array = new Float32Array(64).subarray(offset, offset + 16).fill(1);
      const tensor = tf.tensor1d(array);
      const doubled = tf.mul(tensor, 2);
      array.fill(9);
      expect(tensor.dataSync()[0]).toBe(1);
      expect(doubled.dataSync()[0]).toBe(2);
      tf.dispose([tensor, doubled]);
    }
  });
});

function bytesOf(value: number): Buffer {
  return Buffer.from(new Float32Array(1 << 20).fill(value).buffer);
}

function exposeGarbageCollector(): () => Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // The memory is released in a task of its own, after the collection.
  return async () => {
    collect();
    await setImmediate();
    await setImmediate();
  };
}
