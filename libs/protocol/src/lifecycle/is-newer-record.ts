import type { RunRecord } from '@berth/contracts';

/** True when one copy of a run's record is from after the other. */
export function isNewerRecord(a: RunRecord, b: RunRecord): boolean {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs > b.createdAtMs;
  const numMore = a.attempts.length - b.attempts.length;
  return numMore > 0 || (numMore === 0 && a.updatedAtMs > b.updatedAtMs);
}
