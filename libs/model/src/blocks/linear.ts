// Shapes: M rows, K inputs, N outputs.
import { add, matMul, sum, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

/** x kernel + bias, the kernel stored [in, out]. Rows are a matrix: tfjs differentiates [B, S, K] x [K, N] wrongly. */
export function linear(x_MK: Tensor2D, kernel_KN: Tensor2D, bias_N: Tensor1D): Tensor2D {
  return withGradient(
    [x_MK, kernel_KN, bias_N],
    () => ({ output: add<Tensor2D>(matMul(x_MK, kernel_KN), bias_N), saved: [x_MK, kernel_KN] }),
    (dy_MN, [x_MK, kernel_KN]) => [
      matMul(dy_MN, kernel_KN, false, true),
      matMul(x_MK, dy_MN, true, false),
      sum(dy_MN, 0),
    ],
  );
}

/** x weights^T + bias, the weights stored [out, in], as classifiers and the word table are. */
export function linearTransposed(x_MK: Tensor2D, weights_NK: Tensor2D, bias_N: Tensor1D): Tensor2D {
  return withGradient(
    [x_MK, weights_NK, bias_N],
    () => ({
      output: add<Tensor2D>(matMul(x_MK, weights_NK, false, true), bias_N),
      saved: [x_MK, weights_NK],
    }),
    (dy_MN, [x_MK, weights_NK]) => [
      matMul(dy_MN, weights_NK),
      matMul(dy_MN, x_MK, true, false),
      sum(dy_MN, 0),
    ],
  );
}
