import type { BerthError } from './errors.ts';

/** What whoever starts a worker of one run is to do about its end, and what the end means, for people. */
export interface WorkerEndPolicy {
  /** 0: nothing is left to do; 75 (EX_TEMPFAIL of sysexits.h): start it again; 1: a person must look. */
  readonly exitCode: 0 | 75 | 1;
  readonly says: string;
}

/** Every way in which a worker that is there for one run ends; a new one does not compile until its code is decided here. */
export const workerEnds = {
  complete: { exitCode: 0, says: 'the run is complete, also if it was before this worker began' },
  drained: { exitCode: 75, says: 'it was told to leave: a signal, or a notice of the cloud' },
  paused: { exitCode: 75, says: 'the run has been paused for longer than it waits' },
  refused: {
    exitCode: 75,
    says: 'it could not take part for longer than it waits: other numerics, or what a run needs is not here',
  },
  unavailable: {
    exitCode: 75,
    says: 'what it needs does not answer: Redis, the bucket, a disk, its device',
  },
  failed: { exitCode: 1, says: 'the run failed' },
  stopped: { exitCode: 1, says: 'the run was stopped or killed' },
  unknown: { exitCode: 1, says: 'there has been no such run for longer than it waits' },
  wrong: {
    exitCode: 1,
    says: 'it was told something wrong, something is missing on this machine, or berth has a fault',
  },
} as const satisfies Record<string, WorkerEndPolicy>;

export type WorkerEndKind = keyof typeof workerEnds;

/** How a worker ended. */
export interface WorkerEnd {
  readonly kind: WorkerEndKind;
  /** For people. */
  readonly reason: string;
}

/** How a worker of one run ends by an error that it cannot go on with. */
export function endOfError({ policy }: BerthError): 'unavailable' | 'wrong' {
  return policy.retry ? 'unavailable' : 'wrong';
}

/** The table for people, as lines: `0   the run is complete`. */
export function workerEndLines(): string[] {
  return Object.values(workerEnds).map(
    ({ exitCode, says }) => `${String(exitCode).padEnd(3)} ${says}`,
  );
}
