import { BerthError } from '@berth/contracts';

/** @throws BerthError `DATA_MISMATCH` for a way of making examples that is not among those that this release knows */
export function requireFormat(format: string, known: readonly string[]): void {
  if (known.includes(format)) return;
  throw new BerthError(
    'DATA_MISMATCH',
    `this worker's release does not know how to make ${format}; give all workers the newest release`,
  );
}
