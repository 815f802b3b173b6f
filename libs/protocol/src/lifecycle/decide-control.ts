import {
  noRequests,
  type Control,
  type ControlRequest,
  type RunRecord,
  type RunStatus,
} from '@berth/contracts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { endAttempt, withdrawAttempt } from './attempts.ts';
import { change, refuse, type ControlDecision, type ControlQuestion } from './control-decision.ts';
import { resume } from './resume.ts';
import { savingNow, unsavedText } from './texts.ts';

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
} as const satisfies Record<Control, (question: ControlQuestion) => ControlDecision>;

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

function pause(question: ControlQuestion): ControlDecision {
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

function stop(question: ControlQuestion): ControlDecision {
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

function kill(question: ControlQuestion): ControlDecision {
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

function checkpoint({ record, snapshot }: ControlQuestion): ControlDecision {
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
  { nowMs, record, snapshot }: ControlQuestion,
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
