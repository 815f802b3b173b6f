import type { Rest, RunRules, RunSnapshot, SeenProgress } from './run-state.ts';
import { isOlderView, viewName } from '../ledger/view-id.ts';

/** What Redis knew before and knows no more. */
export interface RedisLoss {
  /** For people. */
  readonly reason: string;
  /** Epochs up to this one have been used. */
  readonly usedEpoch: number;
}

/**
 * Whether Redis holds less than this coordinator saw of the run, or than a member did.
 * @returns undefined when it has lost nothing
 */
export function lossSince(seen: SeenProgress, snapshot: RunSnapshot): RedisLoss | undefined {
  const { numCommitted, view, live, runId, fencingEpoch } = snapshot;
  const usedEpoch = fencingEpoch + 1;
  if (numCommitted < seen.numCommitted) {
    const reason = `its ledger ends at step ${numCommitted}, after ${seen.numCommitted} were seen`;
    return { reason, usedEpoch };
  }
  if (seen.view !== undefined && (view === undefined || isOlderView(view, seen.view))) {
    const now = view === undefined ? 'it has no view' : `view ${view.version} is in force`;
    return { reason: `${now}, after view ${seen.view.version} was`, usedEpoch };
  }
  const epochs = live.flatMap((member) =>
    member.runId === runId ? (member.newestEpoch ?? 0) : [],
  );
  const newest = Math.max(0, ...epochs);
  return newest > fencingEpoch
    ? { reason: `a member has seen epoch ${newest}`, usedEpoch: newest }
    : undefined;
}

/** Notes whether all members of the view are at its end: they have saved and evaluated, and wait to be told what comes next. */
export function noteRest(
  nowMs: number,
  before: Rest | undefined,
  { view, live, numCommitted }: RunSnapshot,
  { numSteps }: RunRules,
): Rest | undefined {
  if (view === undefined || view.members.length === 0) return undefined;
  if (view.mode !== 'save' && numCommitted < numSteps) return undefined;
  const idle = new Set(
    live.flatMap(({ memberId, state, step, complaint }) =>
      state === 'idle' && step >= numCommitted && complaint === null ? memberId : [],
    ),
  );
  if (!view.members.every(({ memberId }) => idle.has(memberId))) return undefined;
  const name = viewName(view);
  return before?.view === name ? before : { view: name, sinceMs: nowMs };
}

/** Why the members of the view in force are to begin it anew; undefined when they are not. */
export function reasonToRepeat(
  nowMs: number,
  resting: Rest | undefined,
  { view, serverEpoch, isSaved }: RunSnapshot,
  { restGraceMs }: RunRules,
): string | undefined {
  if (view !== undefined && view.fencingEpoch < serverEpoch)
    return 'Redis was restarted or replaced, and may hold less than it did';
  if (resting === undefined || nowMs - resting.sinceMs < restGraceMs) return undefined;
  return `nothing is known of the ${isSaved ? 'last evaluation' : 'checkpoint'} that they made`;
}
