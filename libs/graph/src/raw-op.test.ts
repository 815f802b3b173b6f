import { describe, expect, it } from 'vitest';
import { startTensorFlow } from './tensorflow.ts';

const { tf, executeOp, numTensors } = startTensorFlow({ numThreads: 1, device: 'cpu' });

describe('executeOp', () => {
  it('runs an operation that tfjs does not wrap', () => {
    const [half] = executeOp('L2Loss', { T: { dtype: 'float32' } }, [tf.tensor1d([3, 4])], 1);
    expect(half?.dataSync()[0]).toBe(12.5);
  });

  it('returns every output', () => {
    const logits = tf.tensor2d([0, 0, 0, 0], [2, 2]);
    const labels = tf.tensor1d([0, 1], 'int32');
    const [loss, gradient] = executeOp(
      'SparseSoftmaxCrossEntropyWithLogits',
      { T: { dtype: 'float32' }, Tlabels: { dtype: 'int32' } },
      [logits, labels],
      2,
    );
    expect([...(loss?.dataSync() ?? [])]).toEqual([Math.fround(Math.LN2), Math.fround(Math.LN2)]);
    expect([...(gradient?.dataSync() ?? [])]).toEqual([-0.5, 0.5, 0.5, -0.5]);
  });

  it('passes strings, shapes and lists', () => {
    const image = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const window = { int: [1, 2, 2, 1] };
    const [pooled] = executeOp(
      'MaxPool',
      { T: { dtype: 'float32' }, ksize: window, strides: window, padding: { string: 'VALID' } },
      [image],
      1,
    );
    expect([...(pooled?.dataSync() ?? [])]).toEqual([4]);
    const shaped = { T: { dtype: 'float32' }, shape: { shape: [1, 2, 2, 1] } } as const;
    expect(executeOp('EnsureShape', shaped, [image], 1)[0]?.shape).toEqual([1, 2, 2, 1]);
    const wrong = { ...shaped, shape: { shape: [4] } };
    expect(() => executeOp('EnsureShape', wrong, [image], 1)).toThrow(/not compatible/);
  });

  it('carries bfloat16 between operations', () => {
    const matrix = tf.tensor2d([1, 2, 3, 4.00390625], [2, 2]);
    const toBf16 = { SrcT: { dtype: 'float32' }, DstT: { dtype: 'bfloat16' } } as const;
    const toFp32 = { SrcT: { dtype: 'bfloat16' }, DstT: { dtype: 'float32' } } as const;
    const rounded = executeOp('Cast', toBf16, [matrix], 1);
    const sum = executeOp('AddV2', { T: { dtype: 'bfloat16' } }, [...rounded, ...rounded], 1);
    const [back] = executeOp('Cast', toFp32, sum, 1);
    expect([...(back?.dataSync() ?? [])]).toEqual([2, 4, 6, 8]);
    expect(() => rounded[0]?.dataSync()).toThrow(/Unhandled TF_DataType: 14/);
  });

  it('gives its outputs to tidy', () => {
    const input = tf.add(tf.tensor1d([1, 2]), 1);
    const before = numTensors();
    tf.tidy(() => {
      executeOp('L2Loss', { T: { dtype: 'float32' } }, [input], 1);
      expect(numTensors()).toBe(before + 1);
    });
    expect(numTensors()).toBe(before);
  });

  it("fails with TensorFlow's own message", () => {
    expect(() => executeOp('NoSuchOp', {}, [], 1)).toThrow(/NoSuchOp/);
    const mixed = [tf.tensor1d([1, 2]), tf.tensor1d([1, 2, 3])];
    expect(() => executeOp('AddV2', { T: { dtype: 'float32' } }, mixed, 1)).toThrow(
      /Incompatible shapes/,
    );
  });
});
