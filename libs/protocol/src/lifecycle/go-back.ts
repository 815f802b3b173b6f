import { isFinal, noRequests, type RunRecord } from '@berth/contracts';
import { beginAttempt, endAttempt } from './attempts.ts';
import type { RunChange } from './control-decision.ts';

export interface GoingBack {
  readonly nowMs: number;
  readonly numCommitted: number;
  /** The newest checkpoint's; 0 when there is none. */
  readonly toStep: number;
  readonly reason: string;
}

/**
 * What becomes of a run whose steps after a checkpoint may be wrong: another attempt does them again, with members that hold nothing
 * of this one. A run that was to rest does so, and goes back when it is resumed.
 */
export function goBack(record: RunRecord, going: GoingBack): RunChange {
  const { nowMs, numCommitted, toStep, reason } = going;
  const { attempts, status, requests } = record;
  const attempt = attempts.at(-1)?.attempt ?? 1;
  const rewind = { toStep, attempt, askedAtMs: nowMs };
  const keptSteps = record.keptSteps.filter((step) => step <= toStep);
  const back = `goes back to step ${toStep}: ${reason}`;
  if (status === 'pausing' || status === 'stopping')
    return {
      status: status === 'pausing' ? 'paused' : 'stopped',
      reason: back,
      requests: { ...noRequests, rewind },
      keptSteps,
    };
  if (isFinal(status)) return {};
  const ended = endAttempt(attempts, { nowMs, step: numCommitted, reason });
  return {
    status: 'starting',
    reason: back,
    attempts: beginAttempt(ended, { fromStep: toStep, nowMs, wentBackTo: toStep }),
    requests: { ...requests, rewind },
    keptSteps,
  };
}
