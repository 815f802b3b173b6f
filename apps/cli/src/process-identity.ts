import { readFileSync } from 'node:fs';

/** A process, told from a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in ticks of the kernel's clock since the machine did. */
  readonly startTicks: string;
}

/** @returns undefined when there is no such process */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything; the 22nd field of all.
    const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return startTicks === undefined ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

/** Whether a process still runs: itself, not another one that has its number now. */
export function isRunning({ pid, startTicks }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTicks === startTicks;
}
