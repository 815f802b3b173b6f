// Shapes: R rows, H hidden; _R1 is one value a row.
import { ops, type Value } from '@berth/graph';
import { sumColumns } from './precision.ts';

export interface Normalized {
  readonly normal_RH: Value;
  readonly inverseStd_R1: Value;
}

/** Rows with mean 0 and (biased) variance 1; `epsilon` is inside the root. */
export function normalize(x_RH: Value, epsilon: number): Normalized {
  const centered_RH = ops.sub(x_RH, ops.mean(x_RH, [1], true));
  const variance_R1 = ops.mean(ops.square(centered_RH), [1], true);
  const inverseStd_R1 = ops.rsqrt(ops.add(variance_R1, epsilon));
  return { normal_RH: ops.mul(centered_RH, inverseStd_R1), inverseStd_R1 };
}

export function scaleAndShift(normal_RH: Value, gamma_H: Value, beta_H: Value): Value {
  return ops.add(ops.mul(normal_RH, gamma_H), beta_H);
}

/** Gradients of `scaleAndShift(normalize(x))` by x, gamma and beta; all float32. */
export function layerNormGradient(
  dy_RH: Value,
  { normal_RH, inverseStd_R1 }: Normalized,
  gamma_H: Value,
): { readonly dx_RH: Value; readonly dGamma_H: Value; readonly dBeta_H: Value } {
  const dNormal_RH = ops.mul(dy_RH, gamma_H);
  const meanGradient_R1 = ops.mean(dNormal_RH, [1], true);
  const meanProjection_R1 = ops.mean(ops.mul(dNormal_RH, normal_RH), [1], true);
  const projected_RH = ops.mul(normal_RH, meanProjection_R1);
  return {
    dx_RH: ops.mul(ops.sub(ops.sub(dNormal_RH, meanGradient_R1), projected_RH), inverseStd_R1),
    dGamma_H: sumColumns(ops.mul(dy_RH, normal_RH)),
    dBeta_H: sumColumns(dy_RH),
  };
}
