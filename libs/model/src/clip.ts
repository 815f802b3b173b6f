import { BerthError } from '@berth/contracts';

/** Euclidean norm of the first `length` elements, summed in order in double precision; not finite when one of them is not. */
export function globalNorm(gradient: Float32Array, length: number): number {
  let sumOfSquares = 0;
  for (let index = 0; index < length; index++) {
    const value = gradient[index] ?? 0;
    sumOfSquares += value * value;
  }
  return Math.sqrt(sumOfSquares);
}

/** @throws BerthError `NUMERICS_NOT_FINITE` for a norm by which nothing may be updated */
export function requireFiniteNorm(norm: number, step: number): void {
  if (Number.isFinite(norm)) return;
  throw new BerthError(
    'NUMERICS_NOT_FINITE',
    `step ${step}: the gradient has a norm of ${norm}; nothing was applied`,
    { details: { step } },
  );
}

/** The factor that brings a gradient of this norm down to `clipNorm`; 1 when it is not longer. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm / Math.max(norm, clipNorm);
}
