import { readdirSync, readFileSync } from 'node:fs';
import { cpuSecondsOf } from './data/process-use.ts';

/** Processor time so far of a process and of all that it has started and that live, in seconds. */
export function treeCpuSeconds(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + cpuSecondsOf(each), 0);
}

/** A process, then all that it has started, and those have, and that live. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const below = (each: number): number[] => [each, ...(children.get(each) ?? []).flatMap(below)];
  return below(pid);
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
