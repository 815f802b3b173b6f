import type { MetricsLine, RunAttempt, RunRecord } from '@berth/contracts';

/** Where and why an attempt ends. */
export interface AttemptEnd {
  readonly nowMs: number;
  /** Committed steps. */
  readonly step: number;
  readonly reason: string;
}

export function newAttempt(attempt: number, fromStep: number, startedAtMs: number): RunAttempt {
  return {
    attempt,
    startedAtMs,
    fromStep,
    endedAtMs: null,
    toStep: null,
    endReason: null,
    abandonedFromStep: null,
  };
}

/** Ends the attempt that is under way; one that has ended stays as it is. */
export function endAttempt(attempts: readonly RunAttempt[], end: AttemptEnd): RunAttempt[] {
  const last = attempts.at(-1);
  if (last === undefined || last.endedAtMs !== null) return [...attempts];
  const ended = { endedAtMs: end.nowMs, toStep: end.step, endReason: end.reason };
  return [...attempts.slice(0, -1), { ...last, ...ended }];
}

/** Committed steps of a run that has ended, as its record has them: also where Redis has lost the ledger. */
export function stepAtEnd(attempts: readonly RunAttempt[]): number {
  return attempts.at(-1)?.toStep ?? 0;
}

/** Whether a step of a run has ever been committed, as far as its record and Redis know. */
export function hasTrained(
  { attempts }: Pick<RunRecord, 'attempts'>,
  {
    numCommitted,
    checkpointSteps,
  }: { readonly numCommitted: number; readonly checkpointSteps: readonly number[] },
): boolean {
  return (
    numCommitted > 0 ||
    checkpointSteps.length > 0 ||
    attempts.some(({ fromStep, toStep }) => fromStep > 0 || (toStep ?? 0) > 0)
  );
}

/** Begins the newest attempt over: nothing was trained in any. */
export function beginOver(attempts: readonly RunAttempt[], nowMs: number): RunAttempt[] {
  return [...attempts.slice(0, -1), newAttempt(attempts.at(-1)?.attempt ?? 1, 0, nowMs)];
}

/** Begins another attempt at a step; what earlier ones did after it becomes a branch. */
export function beginAttempt(
  attempts: readonly RunAttempt[],
  {
    fromStep,
    nowMs,
    wentBackTo,
  }: {
    readonly fromStep: number;
    readonly nowMs: number;
    readonly wentBackTo?: number | undefined;
  },
): RunAttempt[] {
  const before = attempts.map((attempt) => {
    const reached = attempt.abandonedFromStep ?? attempt.toStep ?? attempt.fromStep;
    return reached > fromStep ? { ...attempt, abandonedFromStep: fromStep } : attempt;
  });
  const begun = newAttempt((attempts.at(-1)?.attempt ?? 0) + 1, fromStep, nowMs);
  return [...before, { ...begun, wentBackTo }];
}

/** The newest attempt could not go back: what it would have left behind is the run's again. */
export function takeBack(attempts: readonly RunAttempt[]): RunAttempt[] {
  const newest = attempts.at(-1);
  return attempts.map((attempt): RunAttempt => {
    if (attempt === newest) return { ...attempt, wentBackTo: undefined };
    const isOfNewest = attempt.abandonedFromStep === newest?.wentBackTo;
    return isOfNewest ? { ...attempt, abandonedFromStep: null } : attempt;
  });
}

/** The attempts without the newest, which has not begun: what it would have left behind is the run's again. */
export function withdrawAttempt(attempts: readonly RunAttempt[]): RunAttempt[] {
  const before = attempts.slice(0, -1);
  return before.map((attempt, index) => {
    const from = before.slice(index + 1).map(({ fromStep }) => fromStep);
    const least = Math.min(...from);
    const isLeft = least < (attempt.toStep ?? attempt.fromStep);
    return { ...attempt, abandonedFromStep: isLeft ? least : null };
  });
}

/** Whether a metrics line is of a branch: made after a step that a later attempt went on from. */
export function isAbandoned(
  attempts: readonly RunAttempt[],
  { attempt, kind, step }: Pick<MetricsLine, 'attempt' | 'kind' | 'step'>,
): boolean {
  const from = attempts.find((other) => other.attempt === attempt)?.abandonedFromStep ?? null;
  // Lines of steps name the steps before them, evaluations all those done.
  return from !== null && (kind === 'step' ? step >= from : step > from);
}
