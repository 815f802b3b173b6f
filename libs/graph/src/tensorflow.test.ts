import { describe, expect, it } from 'vitest';
import { startTensorFlow } from './tensorflow.ts';

const tensorFlow = startTensorFlow({ numThreads: 1, device: 'cpu' });
const { tf } = tensorFlow;

describe('startTensorFlow', () => {
  it('multiplies matrices on TensorFlow 2.21', () => {
    expect(tensorFlow.version).toBe('2.21.0');
    expect(tensorFlow.device).toBe('cpu');
    expect(tf.getBackend()).toBe('tensorflow');
    const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2]));
    expect([...product.dataSync()]).toEqual([19, 22, 43, 50]);
  });
});
