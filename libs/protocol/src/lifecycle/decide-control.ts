import {
  noRequests,
  type Control,
  type ControlRequest,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { beginAttempt, beginOver, endAttempt, hasTrained, withdrawAttempt } from './attempts.ts';
import { savingNow, unsavedText, whence } from './texts.ts';

export type RunChange = Partial<Omit<RunRecord, 'runId'>>;

/** What a control does to a run; the reason is for people, before and after it is used. */
export type ControlDecision =
  | { readonly kind: 'change'; readonly change: RunChange; readonly reason: string }
  /** It has been done, or is on its way: asking again changes nothing. */
  | { readonly kind: 'same'; readonly reason: string }
  | {
      readonly kind: 'refuse';
      readonly code: 'RUN_STATE_CONFLICT' | 'CHECKPOINT_NOT_FOUND';
      readonly reason: string;
    };

interface Question {
  readonly nowMs: number;
  readonly record: RunRecord;
  readonly snapshot: ControlSnapshot;
  readonly request: ControlRequest;
}

/** What a control does now. Pure; the record that comes out is acted on by the coordinator that holds the lease. */
export function decideControl(
  nowMs: number,
  record: RunRecord,
  snapshot: ControlSnapshot,
  control: Control,
  request: ControlRequest = {},
): ControlDecision {
  if (record.requests.remove) return refuse('it is being removed');
  return deciders[control]({ nowMs, record, snapshot: withRewind(record, snapshot), request });
}

const deciders = {
  pause,
  resume,
  stop,
  kill,
  checkpoint,
} as const satisfies Record<Control, (question: Question) => ControlDecision>;

/** What is about to be cut off no longer counts. */
function withRewind(
  { requests: { rewind } }: RunRecord,
  snapshot: ControlSnapshot,
): ControlSnapshot {
  if (rewind === null) return snapshot;
  return {
    numCommitted: Math.min(snapshot.numCommitted, rewind.toStep),
    checkpointSteps: snapshot.checkpointSteps.filter((step) => step <= rewind.toStep),
    unsavedMs: 0,
  };
}

/** Why a run rests that has not begun to train. */
function early(what: string, status: 'queued' | 'preparing'): string {
  return status === 'queued' ? `${what} before its turn came` : `${what} while its data was made`;
}

function pause(question: Question): ControlDecision {
  const { status } = question.record;
  switch (status) {
    case 'queued':
    case 'preparing':
      return rest(question, 'paused', early('paused', status));
    case 'starting':
    case 'running':
    case 'degraded':
    case 'recovering':
      return change('finishes the step, saves, and frees its workers', {
        status: 'pausing',
        reason: 'saving before it pauses',
      });
    case 'pausing':
    case 'paused':
      return { kind: 'same', reason: `it is ${status} already` };
    default:
      return refuse(`it is ${status}; there is nothing to pause`);
  }
}

function stop(question: Question): ControlDecision {
  const { status } = question.record;
  switch (status) {
    case 'queued':
    case 'preparing':
      return rest(question, 'stopped', early('stopped', status));
    case 'paused':
      return rest(question, 'stopped', question.record.reason);
    case 'starting':
    case 'running':
    case 'degraded':
    case 'recovering':
    case 'pausing':
      return change('finishes the step, saves, and ends', {
        status: 'stopping',
        reason: 'saving before it stops',
      });
    case 'stopping':
    case 'stopped':
      return { kind: 'same', reason: `it is ${status} already` };
    default:
      return refuse(`it is ${status}; there is nothing to stop`);
  }
}

function kill(question: Question): ControlDecision {
  const { record, snapshot } = question;
  const { status, requests } = record;
  switch (status) {
    case 'queued':
    case 'preparing':
      return rest(question, 'stopped', early('killed', status));
    case 'paused':
      return rest(question, 'stopped', record.reason);
    case 'stopping':
      if (requests.kill) return { kind: 'same', reason: 'it is being killed already' };
      break;
    case 'starting':
    case 'running':
    case 'degraded':
    case 'recovering':
    case 'pausing':
      break;
    case 'stopped':
      return { kind: 'same', reason: 'it is stopped already' };
    default:
      return refuse(`it is ${status}; there is nothing to kill`);
  }
  const loss = unsavedText(snapshot);
  const price = loss === undefined ? 'nothing is lost' : `${loss} will be lost`;
  return change(`ends at once without saving; ${price}`, {
    status: 'stopping',
    reason: 'killed, its workers are leaving',
    requests: { ...requests, kill: true },
  });
}

function checkpoint({ record, snapshot }: Question): ControlDecision {
  const { status, requests } = record;
  switch (status) {
    case 'running':
    case 'degraded':
    case 'recovering':
      if (requests.checkpoint) return { kind: 'same', reason: savingNow };
      return change(savesAndGoesOn(snapshot), {
        requests: { ...requests, checkpoint: true },
      });
    case 'pausing':
      return { kind: 'same', reason: savingNow };
    case 'stopping':
      return requests.kill
        ? refuse('it is being killed; nothing more is saved')
        : { kind: 'same', reason: savingNow };
    case 'queued':
    case 'preparing':
    case 'starting':
      return refuse(`it is ${status}; there is nothing new to save until it trains`);
    default:
      return refuse(`it is ${status}; there is nothing new to save`);
  }
}

function savesAndGoesOn(snapshot: ControlSnapshot): string {
  const unsaved = unsavedText(snapshot);
  const gain = unsaved === undefined ? '' : `; now ${unsaved}`;
  return `saves after the step under way and goes on${gain}`;
}

function resume(question: Question): ControlDecision {
  const { record, request } = question;
  const { status } = record;
  const { fromStep } = request;
  switch (status) {
    case 'pausing':
    case 'stopping':
      return refuse(`it is ${status}; resume it once that is done`);
    case 'paused':
    case 'stopped':
    case 'failed':
    case 'completed':
      return fromStep === undefined ? continueRun(question) : branchOff(question, fromStep);
    default: {
      const attempt = record.attempts.at(-1);
      if (fromStep === undefined || attempt?.fromStep === fromStep)
        return { kind: 'same', reason: `it is ${status} already` };
      return refuse(`it is ${status}; pause or stop it before it goes on from step ${fromStep}`);
    }
  }
}

/** The committed steps of a run that rests: those from which it would go on. */
export function restsAt(
  { attempts, requests: { rewind } }: RunRecord,
  { numCommitted }: Pick<ControlSnapshot, 'numCommitted'>,
): number {
  const ended = attempts.at(-1)?.toStep ?? 0;
  // Redis may have lost the ledger of a run that rests: it comes back with the run's turn.
  return Math.min(rewind?.toStep ?? Infinity, Math.max(numCommitted, ended));
}

function continueRun({ nowMs, record, snapshot }: Question): ControlDecision {
  const { config, goal, status, attempts } = record;
  const ended = attempts.at(-1)?.toStep ?? null;
  const isDone = goal === 'trained' && (ended === null || ended >= config.train.numSteps);
  if (status === 'completed' && isDone)
    return refuse(
      'it is completed; nothing is left to do, unless it is resumed from an older checkpoint',
    );
  const rewindTo = record.requests.rewind?.toStep;
  const fromStep = restsAt(record, snapshot);
  return change(`goes on ${whence(snapshot, fromStep)}`, {
    ...requeued(record, 'resumed'),
    goal: status === 'completed' ? 'trained' : goal,
    attempts: hasTrained(record, snapshot)
      ? beginAttempt(attempts, { fromStep, nowMs, wentBackTo: rewindTo })
      : beginOver(attempts, nowMs),
  });
}

function branchOff({ nowMs, record, snapshot }: Question, fromStep: number): ControlDecision {
  const { checkpointSteps } = snapshot;
  if (!checkpointSteps.includes(fromStep)) {
    const known = checkpointSteps.length > 0 ? checkpointSteps.join(', ') : 'none';
    return {
      kind: 'refuse',
      code: 'CHECKPOINT_NOT_FOUND',
      reason: `there is no complete checkpoint at step ${fromStep}; there are: ${known}`,
    };
  }
  if (fromStep >= record.config.train.numSteps)
    return refuse(`nothing is left to do after step ${fromStep}`);
  const attempt = record.attempts.at(-1)?.attempt ?? 1;
  return change(`goes on from checkpoint ${fromStep}; what was done after it becomes a branch`, {
    ...requeued(record, `resumed from checkpoint ${fromStep}`),
    goal: 'trained',
    attempts: beginAttempt(record.attempts, { fromStep, nowMs, wentBackTo: fromStep }),
    requests: { ...noRequests, rewind: { toStep: fromStep, attempt, askedAtMs: nowMs } },
  });
}

function requeued({ requests }: RunRecord, reason: string): RunChange {
  return {
    status: 'queued',
    reason: `${reason}, waiting for its turn`,
    error: null,
    requests: { ...noRequests, rewind: requests.rewind },
  };
}

/** A resume from an older checkpoint whose turn has not come leaves no trace: what is complete stays so. */
function withdraw(
  { status, config, attempts, requests: { rewind } }: RunRecord,
  rested: Extract<RunStatus, 'paused' | 'stopped'>,
): ControlDecision | undefined {
  const [before, last] = attempts.slice(-2);
  const isAsked = status === 'queued' && rewind !== null && rewind.askedAtMs === last?.startedAtMs;
  if (!isAsked || before === undefined) return undefined;
  const isComplete = (before.toStep ?? 0) >= config.train.numSteps;
  return change('does not go back; the run stays as it was', {
    status: isComplete ? 'completed' : rested,
    reason: before.endReason ?? 'as it was',
    requests: noRequests,
    attempts: withdrawAttempt(attempts),
  });
}

/** Ends at once, as nothing of it is under way. */
function rest(
  { nowMs, record, snapshot }: Question,
  status: Extract<RunStatus, 'paused' | 'stopped'>,
  reason: string,
): ControlDecision {
  const withdrawn = withdraw(record, status);
  if (withdrawn !== undefined) return withdrawn;
  const end = { nowMs, step: snapshot.numCommitted, reason };
  return change(status === 'paused' ? 'gives its place in the queue up' : 'ends at once', {
    status,
    reason,
    requests: { ...noRequests, rewind: record.requests.rewind },
    attempts: endAttempt(record.attempts, end),
  });
}

function change(reason: string, changes: RunChange): ControlDecision {
  return { kind: 'change', change: changes, reason };
}

function refuse(reason: string): ControlDecision {
  return { kind: 'refuse', code: 'RUN_STATE_CONFLICT', reason };
}
