import { noRequests, type RunRecord } from '@berth/contracts';
import { beginAttempt, beginOver, hasTrained } from './attempts.ts';
import {
  change,
  refuse,
  type ControlDecision,
  type ControlQuestion,
  type RunChange,
} from './control-decision.ts';
import type { ControlSnapshot } from './control-snapshot.ts';
import { whence } from './texts.ts';

/** What becomes of a run that is asked to go on. */
export function resume(question: ControlQuestion): ControlDecision {
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

function continueRun({ nowMs, record, snapshot }: ControlQuestion): ControlDecision {
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

function branchOff(
  { nowMs, record, snapshot }: ControlQuestion,
  fromStep: number,
): ControlDecision {
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
