import { BerthError } from '@berth/contracts';

/**
 * Euclidean norm of the first `length` elements, summed in order in double precision.
 * @throws BerthError `NUMERICS_NOT_FINITE` when an element is NaN or infinite
 */
export function globalNorm(gradient: Float32Array, length: number, step: number): number {
  let sumOfSquares = 0;
  for (let index = 0; index < length; index++) {
    const value = gradient[index] ?? 0;
    sumOfSquares += value * value;
  }
  if (Number.isFinite(sumOfSquares)) return Math.sqrt(sumOfSquares);
  throw new BerthError(
    'NUMERICS_NOT_FINITE',
    `step ${step}: the gradient is not finite; nothing was applied. ` +
      'Resume from a checkpoint with a lower optimizer.learningRate or a longer warm-up',
    { details: { step } },
  );
}

/** The factor that brings a gradient of this norm down to `clipNorm`; 1 when it is not longer. */
export function clipFactor(norm: number, clipNorm: number): number {
  return clipNorm / Math.max(norm, clipNorm);
}
