import type { WireError } from '@berth/contracts';
import { absentText } from './absent.ts';
import { expel, expelledAt } from './expulsions.ts';
import { decideMembership } from './membership.ts';
import { remember } from './remember.ts';
import { complaintOf, failureFrom, refusalToOpen } from './run-failure.ts';
import type { RunDecision, RunMemory, RunRules, RunSight } from './run-state.ts';

/** The longest that a step under way is waited for before all is saved. */
const longestStepWaitMs = 60_000;

/** What becomes of a run in training: it ends, fails, waits, goes on, or goes on with another view. Pure. */
export function decideRun(
  nowMs: number,
  before: RunMemory,
  sight: RunSight,
  rules: RunRules,
): RunDecision {
  const { numCommitted, isSaved, isEvaluated, live, runId, wantsCheckpoint } = sight;
  if (numCommitted >= rules.numSteps && isSaved && isEvaluated)
    return end('completed', before, `trained ${rules.numSteps} steps`);
  const rest = restOf(sight);
  if (rest !== undefined && (isSaved || numCommitted === 0))
    return end(rest, before, isSaved ? `saved at step ${numCommitted}` : 'nothing was trained yet');
  if (wantsCheckpoint && isSaved)
    return {
      kind: 'saved',
      step: numCommitted,
      memory: before,
      reason: `saved checkpoint ${numCommitted}, as asked for`,
    };

  const complaint = complaintOf(sight);
  const remembered = remember(nowMs, before, sight, complaint);
  const isSaving = rest !== undefined || (wantsCheckpoint && nowMs >= remembered.saveNotBeforeMs);
  const savingSince = isSaving ? (before.savingSince ?? { nowMs, numCommitted }) : undefined;
  const memory = { ...remembered, savingSince };
  const failure = complaint && failureFrom(complaint, memory, rules);
  if (failure !== undefined) return fail(memory, failure);

  const finishesStep = complaint === undefined && isMidStep(nowMs, savingSince, sight);
  const mode = isSaving && !finishesStep ? 'save' : 'train';
  const wanted = Math.min(rules.wantedWorkers, rules.virtualRanks);
  const numHere = live.filter((member) => member.runId === runId).length;
  const decision = decideMembership(
    nowMs,
    {
      ...sight,
      ...memory,
      mode,
      numAttempts: memory.attempts.count,
      expelled: expelledAt(memory.expulsions, nowMs),
      absent: absentText(memory.lastSeen, live, wanted - numHere, nowMs),
    },
    // Whoever is left can save.
    rest === undefined ? rules : { ...rules, minWorkers: 1 },
  );
  const { reason } = decision;
  switch (decision.kind) {
    case 'keep': {
      const isShort = (sight.view?.members.length ?? 0) < wanted;
      return { kind: 'keep', isShort, memory, reason };
    }
    case 'publish': {
      const { members, expels = [] } = decision;
      const expulsions = expel(memory.expulsions, expels, nowMs);
      const isShort = members.length < wanted;
      return { kind: 'publish', members, mode, isShort, memory: { ...memory, expulsions }, reason };
    }
    case 'wait':
      break;
  }
  const refusal = refusalToOpen(sight);
  if (refusal !== undefined) return fail(memory, refusal);
  if (rest !== undefined && numHere === 0)
    return end(rest, memory, 'no worker was left to save; resume redoes some steps');
  return { kind: 'wait', memory, reason };
}

/** What the run is to become once it is saved. */
function restOf({ status }: RunSight): 'paused' | 'stopped' | undefined {
  if (status === 'pausing') return 'paused';
  return status === 'stopping' ? 'stopped' : undefined;
}

/** True while the step under way, which a view to save would throw away, can be waited for. */
function isMidStep(
  nowMs: number,
  since: RunMemory['savingSince'],
  { view, live, numCommitted }: RunSight,
): boolean {
  if (since === undefined || view === undefined || view.mode === 'save') return false;
  const training = new Set(
    live.flatMap(({ memberId, state }) => (state === 'training' ? memberId : [])),
  );
  const isUnderWay =
    view.members.length > 0 && view.members.every(({ memberId }) => training.has(memberId));
  return (
    isUnderWay && numCommitted === since.numCommitted && nowMs - since.nowMs < longestStepWaitMs
  );
}

function end(
  status: 'paused' | 'stopped' | 'completed',
  memory: RunMemory,
  reason: string,
): RunDecision {
  return { kind: 'end', status, memory, reason };
}

function fail(memory: RunMemory, error: WireError): RunDecision {
  return { kind: 'fail', error, memory, reason: error.message };
}
