import {
  errorFromWire,
  type Numerics,
  type RunStatus,
  type View,
  type WireError,
} from '@berth/contracts';
import { absentText, noteSeen, type LastSeen } from './absent.ts';
import { expel, expelledAt, type Expulsions } from './expulsions.ts';
import { viewName } from './member-state.ts';
import { decideMembership, type LiveMember, type MembershipOptions } from './membership.ts';
import { wireError } from './view-changes.ts';

/** Statuses in which members work on a run's steps. */
export type TrainingStatus = Extract<
  RunStatus,
  'starting' | 'running' | 'degraded' | 'recovering' | 'pausing' | 'stopping'
>;

/** A run in training, as the coordinator sees it in one look; the parts may be moments apart. */
export interface RunSight {
  readonly runId: string;
  readonly status: TrainingStatus;
  /** A checkpoint was asked for, and is not there yet. */
  readonly wantsCheckpoint: boolean;
  readonly numerics: Numerics | undefined;
  readonly numCommitted: number;
  /** True when a checkpoint holds all committed steps. */
  readonly isSaved: boolean;
  /** True when the evaluation after the last step is there. */
  readonly isEvaluated: boolean;
  readonly view: View | undefined;
  readonly live: readonly LiveMember[];
}

/** What a coordinator remembers of a run between two looks. To forget it costs patience, never bits. */
export interface RunMemory {
  readonly waitingSinceMs: number;
  readonly complaintSinceMs: number | undefined;
  /** Views seen in a row that began at the same step. */
  readonly attempts: {
    readonly view: string;
    readonly fromStep: number;
    readonly count: number;
  };
  readonly expulsions: Expulsions;
  readonly lastSeen: LastSeen;
  /** A checkpoint that was asked for waits until then, as the store was away. */
  readonly saveNotBeforeMs: number;
  /** When it was first seen that all is to be saved, and the steps committed then. */
  readonly savingSince: { readonly nowMs: number; readonly numCommitted: number } | undefined;
}

export interface RunRules extends MembershipOptions {
  readonly numSteps: number;
  /** Views that may fail at one step before the run does. */
  readonly maxAttemptsPerStep: number;
}

export type RunDecision = {
  readonly memory: RunMemory;
  /** Why, for people. */
  readonly reason: string;
} & (
  | { readonly kind: 'end'; readonly status: 'paused' | 'stopped' | 'completed' }
  | { readonly kind: 'fail'; readonly error: WireError }
  /** The checkpoint that was asked for is there. */
  | { readonly kind: 'saved'; readonly step: number }
  | { readonly kind: 'wait' }
  | { readonly kind: 'keep'; readonly isShort: boolean }
  | {
      readonly kind: 'publish';
      /** True when fewer workers train than are wanted. */
      readonly isShort: boolean;
      readonly members: readonly LiveMember[];
      readonly mode: View['mode'];
    }
);

/** The longest that a step under way is waited for before all is saved. */
const longestStepWaitMs = 60_000;
/** From a checkpoint that failed because the store was away to the next try. */
const saveAgainMs = 15_000;

export function newRunMemory(nowMs: number): RunMemory {
  return {
    waitingSinceMs: nowMs,
    complaintSinceMs: undefined,
    attempts: { view: '', fromStep: -1, count: 0 },
    expulsions: new Map(),
    lastSeen: new Map(),
    saveNotBeforeMs: -Infinity,
    savingSince: undefined,
  };
}

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

/** The first complaint about the view in force. */
function complaintOf({ view, live }: RunSight): WireError | undefined {
  const complaints = live.flatMap((member) => member.complaint ?? []);
  return complaints.find(({ viewVersion }) => viewVersion === view?.version)?.error;
}

function remember(
  nowMs: number,
  before: RunMemory,
  { runId, view, live }: RunSight,
  complaint: WireError | undefined,
): RunMemory {
  const complaintSinceMs = complaint === undefined ? undefined : (before.complaintSinceMs ?? nowMs);
  const attempts = countAttempts(before, view, complaint);
  const lastSeen = noteSeen(before.lastSeen, live, runId, nowMs);
  // Training does not stand still for a store that is away.
  const isStoreAway = view?.mode === 'save' && complaint?.code === 'STORE_UNREACHABLE';
  const saveNotBeforeMs = isStoreAway ? nowMs + saveAgainMs : before.saveNotBeforeMs;
  return { ...before, complaintSinceMs, attempts, lastSeen, saveNotBeforeMs };
}

function countAttempts(
  { attempts }: RunMemory,
  view: View | undefined,
  complaint: WireError | undefined,
): RunMemory['attempts'] {
  if (view === undefined) return attempts;
  const name = viewName(view);
  const { fromStep } = view;
  // An outage lasts as long as it lasts.
  if (complaint?.code === 'STORE_UNREACHABLE' || complaint?.code === 'QUEUE_UNREACHABLE')
    return { view: name, fromStep, count: 0 };
  if (name === attempts.view) return attempts;
  return { view: name, fromStep, count: fromStep === attempts.fromStep ? attempts.count + 1 : 1 };
}

/** Errors that no other view can cure end the run; so do too many attempts at one step. */
function failureFrom(
  complaint: WireError,
  { attempts }: RunMemory,
  { maxAttemptsPerStep }: RunRules,
): WireError | undefined {
  if (!errorFromWire(complaint).policy.retry) return complaint;
  const { fromStep, count } = attempts;
  if (count < maxAttemptsPerStep) return undefined;
  const message = `Step ${fromStep} failed ${count} times; last: ${complaint.message}`;
  return wireError('RUN_FAILED', message);
}

/** Without a member, the run ends with the reason why one could not open it, if that will not pass. */
function refusalToOpen({ runId, live }: RunSight): WireError | undefined {
  return live
    .filter((member) => member.runId === runId && member.state === 'syncing')
    .flatMap(({ complaint }) => complaint?.error ?? [])
    .find((error) => !errorFromWire(error).policy.retry);
}
