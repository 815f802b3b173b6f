import {
  errorFromWire,
  type Numerics,
  type RunStatus,
  type View,
  type WireError,
} from '@berth/contracts';
import { expel, expelledAt, type Expulsions } from './expulsions.ts';
import { viewName } from './member-state.ts';
import { decideMembership, type LiveMember, type MembershipOptions } from './membership.ts';
import { wireError } from './view-changes.ts';

/** A run in training, as the coordinator sees it in one look; the parts may be moments apart. */
export interface RunSight {
  readonly runId: string;
  readonly status: Extract<RunStatus, 'starting' | 'running' | 'recovering' | 'stopping'>;
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
  | { readonly kind: 'end'; readonly status: 'stopped' | 'completed' }
  | { readonly kind: 'fail'; readonly error: WireError }
  | { readonly kind: 'wait' | 'keep' }
  | {
      readonly kind: 'publish';
      readonly members: readonly LiveMember[];
      readonly mode: View['mode'];
    }
);

export function newRunMemory(nowMs: number): RunMemory {
  return {
    waitingSinceMs: nowMs,
    complaintSinceMs: undefined,
    attempts: { view: '', fromStep: -1, count: 0 },
    expulsions: new Map(),
  };
}

/** What becomes of a run in training: it ends, fails, waits, goes on, or goes on with another view. Pure. */
export function decideRun(
  nowMs: number,
  before: RunMemory,
  sight: RunSight,
  rules: RunRules,
): RunDecision {
  const { status, numCommitted, isSaved, isEvaluated, live } = sight;
  const isStopping = status === 'stopping';
  if (isStopping && isSaved) return end('stopped', before, `saved at step ${numCommitted}`);
  if (numCommitted >= rules.numSteps && isSaved && isEvaluated)
    return end('completed', before, `trained ${rules.numSteps} steps`);

  const complaint = complaintOf(sight);
  const memory = remember(nowMs, before, sight, complaint);
  const failure = complaint && failureFrom(complaint, memory, rules);
  if (failure !== undefined) return fail(memory, failure);

  const mode = isStopping ? 'save' : 'train';
  const numAttempts = memory.attempts.count;
  const expelled = expelledAt(memory.expulsions, nowMs);
  const decision = decideMembership(
    nowMs,
    { ...sight, ...memory, mode, numAttempts, expelled },
    rules,
  );
  const { reason } = decision;
  switch (decision.kind) {
    case 'keep':
      return { kind: 'keep', memory, reason };
    case 'publish': {
      const { members, expels = [] } = decision;
      const expulsions = expel(memory.expulsions, expels, nowMs);
      return { kind: 'publish', members, mode, memory: { ...memory, expulsions }, reason };
    }
    case 'wait':
      break;
  }
  const refusal = refusalToOpen(sight);
  if (refusal !== undefined) return fail(memory, refusal);
  if (isStopping && !live.some((member) => member.runId === sight.runId))
    return end('stopped', memory, 'no worker was left to save; resume redoes some steps');
  return { kind: 'wait', memory, reason };
}

function end(status: 'stopped' | 'completed', memory: RunMemory, reason: string): RunDecision {
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
  { view }: RunSight,
  complaint: WireError | undefined,
): RunMemory {
  const complaintSinceMs = complaint === undefined ? undefined : (before.complaintSinceMs ?? nowMs);
  return { ...before, complaintSinceMs, attempts: countAttempts(before, view, complaint) };
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
