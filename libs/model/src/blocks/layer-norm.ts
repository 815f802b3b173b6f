// Shapes: R rows, H hidden; _R1 is one value a row.
import {
  add,
  mean,
  mul,
  rsqrt,
  square,
  sub,
  sum,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

/** Normalises each row to mean 0 and (biased) variance 1, then scales and shifts; `epsilon` is inside the root. */
export function layerNorm(
  x_RH: Tensor2D,
  gamma_H: Tensor1D,
  beta_H: Tensor1D,
  epsilon: number,
): Tensor2D {
  return withGradient(
    [x_RH, gamma_H, beta_H],
    () => {
      const centered_RH = sub<Tensor2D>(x_RH, mean(x_RH, 1, true));
      const variance_R1 = mean<Tensor2D>(square(centered_RH), 1, true);
      const inverseStd_R1 = rsqrt(add<Tensor2D>(variance_R1, epsilon));
      const normal_RH = mul<Tensor2D>(centered_RH, inverseStd_R1);
      const output = add<Tensor2D>(mul(normal_RH, gamma_H), beta_H);
      return { output, saved: [normal_RH, inverseStd_R1, gamma_H] };
    },
    (dy_RH, [normal_RH, inverseStd_R1, gamma_H]) => {
      const dyNormal_RH = mul<Tensor2D>(dy_RH, normal_RH);
      const dNormal_RH = mul<Tensor2D>(dy_RH, gamma_H);
      const meanGradient_R1 = mean(dNormal_RH, 1, true);
      const meanProjection_R1 = mean(mul(dyNormal_RH, gamma_H), 1, true);
      const projected_RH = mul(normal_RH, meanProjection_R1);
      const dx_RH = mul(sub(sub(dNormal_RH, meanGradient_R1), projected_RH), inverseStd_R1);
      return [dx_RH, sum(dyNormal_RH, 0), sum(dy_RH, 0)];
    },
  );
}
