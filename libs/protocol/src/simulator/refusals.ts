import { BerthError } from '@berth/contracts';
import type { Replaced } from './redis-runs.ts';

/** @throws BerthError what a coordinator gets whose change was not made */
export function requireDone(outcome: Replaced): void {
  if (outcome === 'done') return;
  if (outcome !== 'changed') throw staleEpoch(outcome.newest);
  throw new BerthError('RUN_STATE_CONFLICT', 'it was changed by somebody else meanwhile');
}

export function staleEpoch(newest: number): BerthError {
  return new BerthError('QUEUE_STALE_EPOCH', `epoch ${newest} is known`, { details: { newest } });
}
