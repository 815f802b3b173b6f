import type { ErrorCode, SpooledState } from '@berth/contracts';

/** Keys and buckets that were there come back too, once somebody has put them right. */
const outages: ReadonlySet<ErrorCode> = new Set([
  'STORE_UNREACHABLE',
  'STORE_FULL',
  'STORE_REFUSED',
  'STORE_NOT_FOUND',
  'QUEUE_UNREACHABLE',
]);

/** Whether what a save failed with passes, so that its state is kept and tried again. */
export function isOutage(code: ErrorCode): boolean {
  return outages.has(code);
}

/** What the run has, as whoever finds a state on disk knows it. */
export interface SpooledContext {
  /** Whether the state is of this run and its model, and on the line of its newest attempt. */
  readonly isOfRun: boolean;
  /** Of the newest checkpoint in the bucket; 0 without one. */
  readonly newestStep: number;
  /** Head of the ledger after the state's step; undefined while that is not committed. */
  readonly head: string | undefined;
}

/** What is done with a state that a process which is gone has left on disk. A ledger that Redis has lost may be made again, to the same head. */
export function decideSpooled(
  { step, ledgerHead }: Pick<SpooledState, 'step' | 'ledgerHead'>,
  { isOfRun, newestStep, head }: SpooledContext,
): 'store' | 'keep' | 'delete' {
  if (!isOfRun || newestStep >= step) return 'delete';
  if (head === undefined) return 'keep';
  return head === ledgerHead ? 'store' : 'delete';
}
