import { endOfError, workerEnds, type BerthError, type WorkerEnd } from '@berth/contracts';

/** The code that a worker's process ends with. */
export function exitCodeOfEnd({ kind }: WorkerEnd): number {
  return workerEnds[kind].exitCode;
}

/**
 * The code of one that ends by an error.
 * @param ownRun - the run that it is there for: whoever starts it goes by the table of ends. Others end as the command does
 */
export function exitCodeOfError(error: BerthError, ownRun: string | undefined): number {
  return ownRun === undefined ? error.policy.exitCode : workerEnds[endOfError(error)].exitCode;
}
