/** How many checkpoints a run keeps. */
export interface RetentionPolicy {
  /** Newest ones kept; at least 1. */
  readonly keepLast: number;
  /** Steps divisible by this are kept for good; 0: none. */
  readonly keepEverySteps: number;
  /** Kept for good because somebody asked for them. @defaultValue none */
  readonly keptSteps?: readonly number[];
  /** Which of some steps has the best model, if that is known: it is kept while it is so. @defaultValue not known */
  readonly bestOf?: (steps: readonly number[]) => number | undefined;
  /** Kept for good because the run's plan may be changed from there on. @defaultValue none */
  readonly milestones?: readonly number[];
  /** Kept while the attempt that has gone on from it lasts. */
  readonly resumedFromStep?: number;
}

export interface RetentionDecision {
  /** Oldest first. */
  readonly keep: readonly number[];
  /** Oldest first. */
  readonly delete: readonly number[];
  /** By step, for people. */
  readonly reasons: ReadonlyMap<number, string>;
}

/**
 * Decides which checkpoints of a run stay. The newest one known to verify always does, and until one is known, all do: there
 * must be something to resume from.
 * @param steps steps that have a manifest
 * @param newestVerifiedStep the newest checkpoint that was loaded whole, or written when all members were found to hold that state
 */
export function decideRetention(
  steps: readonly number[],
  policy: RetentionPolicy,
  newestVerifiedStep: number | undefined,
): RetentionDecision {
  const ordered = [...steps].sort((a, b) => a - b);
  const newest = new Set(ordered.slice(-Math.max(1, policy.keepLast)));
  const best = policy.bestOf?.(ordered);
  const reasonToKeep = (step: number): string | undefined => {
    if (newestVerifiedStep === undefined || !steps.includes(newestVerifiedStep)) {
      return 'no checkpoint is known to verify';
    }
    if (step === newestVerifiedStep) return 'newest that verifies';
    if (newest.has(step)) return `among the last ${policy.keepLast}`;
    if (policy.keptSteps?.includes(step) === true) return 'asked for';
    if (step === best) return 'best on held-out examples';
    if (policy.milestones?.includes(step) === true) return 'a milestone of the run';
    if (step === policy.resumedFromStep) return 'resumed from';
    if (policy.keepEverySteps > 0 && step % policy.keepEverySteps === 0) {
      return `every ${policy.keepEverySteps} steps`;
    }
    return undefined;
  };
  const reasons = new Map<number, string>();
  const keep: number[] = [];
  const remove: number[] = [];
  for (const step of ordered) {
    const reason = reasonToKeep(step);
    (reason === undefined ? remove : keep).push(step);
    reasons.set(step, reason ?? `older than the last ${policy.keepLast}`);
  }
  return { keep, delete: remove, reasons };
}
