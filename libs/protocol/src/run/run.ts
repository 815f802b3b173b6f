import type { View, WireError } from '@berth/contracts';
import { absentText } from './absent.ts';
import { besideSteps } from './beside-steps.ts';
import { complaintsAbout } from './complaints.ts';
import {
  noteGradientDivergence,
  reasonToGoBack,
  secondDivergence,
  stateDivergenceOf,
} from './diverged.ts';
import { quarantineWorkers, leftOutAt, onProbation } from './quarantine.ts';
import { stepsText } from '../lifecycle/texts.ts';
import { decideMembership } from './membership.ts';
import type { MembershipState } from './membership-state.ts';
import { reasonToHold } from './reason-to-hold.ts';
import { remember } from './remember.ts';
import { failureFrom, refusalToOpen } from './run-failure.ts';
import type { RunDecision, RunMemory, RunRules, RunSnapshot, Since } from './run-state.ts';
import { classifyMembers, type ClassifiedMembers } from './classify-members.ts';
import { lossSince, noteRest, reasonToRepeat } from './seen-progress.ts';

/** Members of a new view have begun its first step by then, or said why not. */
const beginMs = 1_000;
/** The longest that a step under way is waited for before all is saved. */
const longestStepWaitMs = 60_000;

/** What becomes of a run in training: it ends, fails, waits, goes on, or goes on with another view. Pure. */
export function decideRun(
  nowMs: number,
  before: RunMemory,
  snapshot: RunSnapshot,
  rules: RunRules,
): RunDecision {
  const { numCommitted, isSaved, isEvaluated, live, runId, wantsCheckpoint, view } = snapshot;
  const lost = lossSince(before.seen, snapshot);
  if (lost !== undefined)
    return {
      kind: 'readAgain',
      usedEpoch: lost.usedEpoch,
      memory: before,
      reason: `Redis came back older: ${lost.reason}`,
    };
  if (numCommitted >= rules.numSteps && isSaved && isEvaluated)
    return end('completed', before, `trained ${stepsText(rules.numSteps)}`);
  const rest = restOf(snapshot);
  if (rest !== undefined && (isSaved || numCommitted === 0))
    return end(rest, before, isSaved ? `saved at step ${numCommitted}` : 'nothing was trained yet');
  const isThere = isAnswer(view, before.savingSince) && snapshot.savedStep >= view.fromStep;
  if (wantsCheckpoint && (isSaved || isThere)) {
    const step = isSaved ? numCommitted : snapshot.savedStep;
    const reason = `saved checkpoint ${step}, as asked for`;
    return { kind: 'saved', step, memory: { ...before, savingSince: undefined }, reason };
  }

  const complaints = view === undefined ? [] : complaintsAbout(view, live);
  const remembered = remember(nowMs, before, snapshot, complaints);
  const isSaving = rest !== undefined || wantsCheckpoint;
  const savingSince = isSaving ? (before.savingSince ?? { nowMs, numCommitted }) : undefined;
  const joiningSince = before.joiningSince ?? { nowMs, numCommitted };
  const resting = noteRest(nowMs, before.resting, snapshot, rules);
  const memory = {
    ...remembered,
    savingSince,
    joiningSince: undefined,
    resting,
    gradientDivergence: noteGradientDivergence(before.gradientDivergence, view, complaints),
  };
  const diverged = stateDivergenceOf(complaints);
  const goesBack = diverged && reasonToGoBack(diverged, numCommitted);
  if (diverged !== undefined && goesBack !== undefined)
    return { kind: 'goBack', diverged, memory, reason: goesBack };
  const full = complaints.find(({ complaint }) => complaint.error.code === 'STORE_FULL');
  if (rest !== undefined && full !== undefined)
    return end(
      rest,
      memory,
      `step ${numCommitted} is not saved: ${full.complaint.error.message} ` +
        'The ledger holds every step: resume makes those again that no checkpoint has, to the same bits',
    );
  const failure =
    failureFrom(complaints, memory, snapshot, rules) ??
    secondDivergence(before.gradientDivergence, view, complaints);
  if (failure !== undefined) return fail(memory, failure);
  const hold = rest === undefined && numCommitted < rules.numSteps && reasonToHold(snapshot, rules);
  if (typeof hold === 'string') return { kind: 'hold', memory, reason: hold };

  const isCalm = complaints.length === 0;
  const finishesStep =
    isCalm &&
    isMidStep(snapshot) &&
    savingSince !== undefined &&
    isStill(nowMs, savingSince, snapshot, longestStepWaitMs);
  const mode = rest !== undefined && !finishesStep ? 'save' : 'train';
  const savesFirst = rest === undefined && wantsCheckpoint && !finishesStep && numCommitted > 0;
  const wanted = Math.min(rules.wantedWorkers, rules.virtualRanks);
  const numHere = live.filter((member) => member.runId === runId).length;
  const numNeeded =
    rest === undefined && !areLastLeaving(snapshot) ? Math.max(1, rules.minWorkers) : 1;
  const leftOut = leftOutAt(nowMs, memory.quarantines, snapshot, numNeeded);
  const state: MembershipState = {
    runId,
    live,
    unreadable: snapshot.unreadable,
    view,
    numerics: snapshot.numerics,
    hasRelay: snapshot.hasRelay,
    waitingSinceMs: memory.waitingSinceMs,
    complaintSinceMs: memory.complaintSinceMs,
    mode,
    repeats:
      savesFirst && !isAnswer(view, savingSince)
        ? 'saving a checkpoint, as asked for'
        : reasonToRepeat(nowMs, resting, snapshot, rules),
    numAttempts: memory.attempts.count,
    quarantined: leftOut.quarantined,
    onProbation: onProbation(memory.quarantines, view),
    isMidStep:
      isCalm &&
      (isMidStep(snapshot) || nowMs - memory.peace.nowMs < beginMs) &&
      isStill(nowMs, joiningSince, snapshot, rules.stepTimeoutMs),
    absent: absentText(memory.lastSeen, live, wanted - numHere, nowMs),
    leftOut: leftOut.text,
  };
  // Whoever is left can save.
  const decision = decideMembership(nowMs, state, { ...rules, minWorkers: numNeeded });
  const isShort = (numMembers: number): boolean =>
    numMembers < wanted && !isStarting(snapshot, numMembers, wanted, classifyMembers(state));
  const { reason } = decision;
  switch (decision.kind) {
    case 'keep': {
      const remembers = decision.awaitsJoin === true ? { ...memory, joiningSince } : memory;
      const numMembers = snapshot.view?.members.length ?? 0;
      const beside = besideSteps(snapshot, rules);
      return {
        kind: 'keep',
        isShort: isShort(numMembers),
        memory: remembers,
        reason: beside === '' ? reason : `${reason}; ${beside}`,
      };
    }
    case 'publish': {
      const { members, toQuarantine = [] } = decision;
      const quarantines = quarantineWorkers(memory.quarantines, toQuarantine, nowMs);
      return {
        kind: 'publish',
        members,
        mode,
        ...(savesFirst && { savesFirst }),
        isShort: isShort(members.length),
        ...(diverged && { diverged }),
        memory: { ...memory, quarantines },
        reason,
      };
    }
    case 'wait':
      break;
  }
  const isEarly = nowMs - memory.waitingSinceMs < rules.joinTimeoutMs;
  const refusal = refusalToOpen(snapshot, isEarly ? wanted : 0);
  if (refusal !== undefined) return fail(memory, refusal);
  if (rest !== undefined && numHere === 0)
    return end(rest, memory, 'no worker was left to save; resume redoes some steps');
  return { kind: 'wait', memory, reason };
}

/**
 * Whether a run trains with fewer members than are wanted only because the others have not come yet: nobody was lost since
 * it started, and enough are opening the run or waiting to join.
 */
function isStarting(
  { status, view }: RunSnapshot,
  numMembers: number,
  wanted: number,
  { eligible, opening }: ClassifiedMembers,
): boolean {
  const hasLostNone =
    status === 'starting' || (status === 'running' && numMembers >= (view?.members.length ?? 0));
  return hasLostNone && eligible.length + opening.length >= wanted;
}

/** Whether a view saves all that there was when a checkpoint was asked for. */
function isAnswer(view: View | undefined, askedSince: Since | undefined): view is View {
  return (
    view?.savesFirst === true &&
    askedSince !== undefined &&
    view.fromStep >= askedSince.numCommitted
  );
}

/** Whether all that might be in a view are told to leave: they train no more, and save what they hold, however few they are. */
function areLastLeaving({ live, runId }: RunSnapshot): boolean {
  const present = live.filter(
    (member) => member.runId === runId && (member.state === 'idle' || member.state === 'training'),
  );
  return present.length > 0 && present.every(({ drain }) => drain !== undefined);
}

/** What the run is to become once it is saved. */
function restOf({ status }: RunSnapshot): 'paused' | 'stopped' | undefined {
  if (status === 'pausing') return 'paused';
  return status === 'stopping' ? 'stopped' : undefined;
}

/** True while nothing was committed since, and it is not too long ago. */
function isStill(
  nowMs: number,
  since: Since,
  { numCommitted }: RunSnapshot,
  longestMs: number,
): boolean {
  return numCommitted === since.numCommitted && nowMs - since.nowMs < longestMs;
}

/** Whether a step is under way, which another view would throw away. */
function isMidStep({ view, live }: RunSnapshot): boolean {
  if (view === undefined || view.mode === 'save') return false;
  const training = new Set(
    live.flatMap(({ memberId, state }) => (state === 'training' ? memberId : [])),
  );
  return view.members.length > 0 && view.members.every(({ memberId }) => training.has(memberId));
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
