import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';

/** What a thread writes about itself that was started with this as `--import`, into the folder `BENCH_TURNS`. */
export interface TurnReport {
  readonly thread: string;
  /** Longest time that its event loop was held up, also by others on a busy machine. */
  readonly longestMs: number;
  /** Most that the thread itself computed without giving the event loop a turn. */
  readonly longestCpuMs: number;
}

const everyMs = 20;
const folder = process.env['BENCH_TURNS'];
if (folder !== undefined) watch(folder, basename(process.argv[1] ?? 'main'));

function watch(into: string, thread: string): void {
  mkdirSync(into, { recursive: true });
  const path = join(into, `${process.pid}-${threadId}.json`);
  const delay = monitorEventLoopDelay({ resolution: everyMs });
  delay.enable();
  let before = ownCpuMs();
  let longestCpuMs = 0;
  let told = 0;
  // Begun late: what a thread loads first is no stretch of its work.
  setTimeout(() => {
    delay.reset();
    before = ownCpuMs();
    setInterval(() => {
      const now = ownCpuMs();
      longestCpuMs = Math.max(longestCpuMs, now - before - everyMs);
      before = now;
      if (longestCpuMs <= told) return;
      told = longestCpuMs;
      const report: TurnReport = { thread, longestMs: delay.max / 1e6, longestCpuMs };
      writeFileSync(path, JSON.stringify(report));
    }, everyMs).unref();
  }, 2_000).unref();
}

/** Of the thread that asks, as Linux counts it. */
function ownCpuMs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
