import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Memory of a process, now or at most; 0 once it is gone. */
export function residentMb({ pid }: Pick<ChildProcess, 'pid'>, field: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024 || 0;
  } catch {
    return 0;
  }
}
