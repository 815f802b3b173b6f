import { readFileSync } from 'node:fs';

/** A process, told from a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in ticks of the kernel's clock since the machine did. */
  readonly startTicks: string;
}

/** @returns undefined when there is no such process, or only what is left of it until its parent looks */
export function identityOf(pid: number): ProcessIdentity | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything; the 3rd and the 22nd field of all.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = '', startTicks] = [fields[0], fields[19]];
    return startTicks === undefined || 'ZX'.includes(state) ? undefined : { pid, startTicks };
  } catch {
    return undefined;
  }
}

/** Whether a process still runs: itself, not another one that has its number now. */
export function isRunning({ pid, startTicks }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTicks === startTicks;
}
