import type { RunAttempt } from '@berth/contracts';

/** What a run's record says of its attempts, oldest first, as far as checkpoints depend on it. */
export type Attempts = readonly Pick<RunAttempt, 'attempt' | 'wentBackTo' | 'startedAtMs'>[];

interface MadeBy {
  readonly attempt: number;
  readonly step: number;
}

/** Whether a later attempt went back to a step before that of a checkpoint. */
export function isBranch(attempts: Attempts, { attempt, step }: MadeBy): boolean {
  return attempts.some((later) => later.attempt > attempt && (later.wentBackTo ?? Infinity) < step);
}

/**
 * Whether the newest attempt may go on from a checkpoint. Of a run whose attempts are not known it may from any: its
 * weights depend on nothing but its step.
 */
export function isOnLine(attempts: Attempts, checkpoint: MadeBy): boolean {
  const newest = attempts.at(-1)?.attempt ?? Infinity;
  return checkpoint.attempt <= newest && !isBranch(attempts, checkpoint);
}

/** The attempt that was under way at a time. */
export function attemptAt(attempts: Attempts, timeMs: number): number {
  const found = attempts.findLast(({ startedAtMs }) => startedAtMs <= timeMs) ?? attempts[0];
  return found?.attempt ?? 1;
}
