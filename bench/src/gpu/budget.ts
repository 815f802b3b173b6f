import type { Outcome, Part } from './part.ts';

/** Of the time of a run, in milliseconds. */
export interface Clock {
  readonly budgetMs: number;
  /** Since the run began, setup included. */
  readonly elapsedMs: number;
  /** How much slower than estimated the parts so far were. */
  readonly pace: number;
  /** What the parts after it were estimated to take. */
  readonly laterMs: number;
}

export type Decision =
  | { readonly do: 'run'; readonly deadlineMs: number }
  | { readonly do: 'skip'; readonly reason: string };

/** How much an estimate weighs against what was measured. */
const priorMs = 40_000;
const longestDelay = 6;
const shortestDeadlineMs = 120_000;

/** Whether a part still fits; one that hangs is ended, unless what it takes is needed by no other. */
export function decide({ estimateMs }: Pick<Part, 'estimateMs'>, clock: Clock): Decision {
  const leftMs = clock.budgetMs - clock.elapsedMs;
  const neededMs = estimateMs * clock.pace;
  if (neededMs > leftMs)
    return {
      do: 'skip',
      reason: `takes about ${seconds(neededMs)}, and ${seconds(Math.max(0, leftMs))} of the budget are left`,
    };
  return {
    do: 'run',
    deadlineMs: Math.min(
      leftMs,
      Math.max(shortestDeadlineMs, longestDelay * neededMs, leftMs - clock.laterMs * clock.pace),
    ),
  };
}

/** The parts that ran, by what was estimated of them: above 1 on a machine that is slower than thought. */
export function paceOf(parts: readonly Part[], outcomes: readonly Outcome[]): number {
  const estimated = new Map(parts.map(({ name, estimateMs }) => [name, estimateMs]));
  let [tookMs, thoughtMs] = [priorMs, priorMs];
  for (const { part, status, tookMs: took } of outcomes) {
    const estimateMs = estimated.get(part);
    // One that failed says nothing of how long the others take.
    if (status !== 'done' || took === undefined || estimateMs === undefined) continue;
    tookMs += took;
    thoughtMs += estimateMs;
  }
  return tookMs / thoughtMs;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(0)} s`;
}
