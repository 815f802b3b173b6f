import type { RunStatus } from '@berth/contracts';

/** Of a worker that was told to leave: start it again when it may go on. EX_TEMPFAIL of sysexits.h. */
export const drainedExitCode = 75;

/**
 * With which code a worker that is there for one run ends, by the run's status: 0 only when there is nothing left to do.
 * @returns undefined while it has to stay; a pause is meant to end
 */
export function exitCodeAfter(status: RunStatus): number | undefined {
  switch (status) {
    case 'completed':
      return 0;
    case 'failed':
      return 1;
    case 'stopped':
      return 5;
    default:
      return undefined;
  }
}
