import { errorFromWire, errorToWire, wireErrorSchema, BerthError } from '@berth/contracts';
import { UnrecoverableError } from 'bullmq';

/**
 * The error to give BullMQ for a failed job: its message carries the WireError, and its class says whether the job is
 * tried again. The only place where that is decided.
 */
export function toJobFailure(error: unknown): Error {
  const wire = errorToWire(error);
  const text = JSON.stringify(wire);
  return errorFromWire(wire).policy.retry ? new Error(text) : new UnrecoverableError(text);
}

/** A job whose consumers have died or hung more often is given up. */
export const maxNumStalls = 8;

/** The error a job failed with. */
export function fromJobFailure(jobId: string, failedReason: string): BerthError {
  const wire = wireErrorSchema.safeParse(parseJson(failedReason));
  if (wire.success) return errorFromWire(wire.data);
  // What BullMQ says of a job that it gives up.
  if (failedReason.includes('stalled more than'))
    return new BerthError(
      'RUN_FAILED',
      `job ${jobId} was given up: ${maxNumStalls + 1} times its worker has died or hung over it; ` +
        'look at their last log lines and at the memory of the machine; the run can be resumed',
      { details: { jobId } },
    );
  return new BerthError('INTERNAL', `job ${jobId} failed: ${failedReason}`, { details: { jobId } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
