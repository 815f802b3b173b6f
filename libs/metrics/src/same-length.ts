import { BerthError } from '@berth/contracts';

/** @throws BerthError `INTERNAL` when there is not one prediction for each truth */
export function requireSameLength(
  truth: ArrayLike<unknown>,
  predicted: ArrayLike<unknown>,
  what: string,
): void {
  if (truth.length !== predicted.length)
    throw new BerthError(
      'INTERNAL',
      `${predicted.length} predictions for ${truth.length} ${what}: a metric compares them one by one`,
    );
}
