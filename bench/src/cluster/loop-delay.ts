import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a process that was started with this as `--import` answers to the message `report`. */
export interface LoopReport {
  /** Longest time that its event loop was held up since the message `reset`, also by others on a busy machine. */
  readonly longestBlockMs: number;
  /** Most that the process computed in one such time, with all its threads. */
  readonly longestBlockCpuMs: number;
  readonly cpuSeconds: number;
}

const pollEveryMs = 5;
const delay = monitorEventLoopDelay({ resolution: pollEveryMs });
delay.enable();
let cpuBefore = cpuMs();
let cpuSeen = cpuBefore;
let longestBlockCpuMs = 0;
setInterval(() => {
  const now = cpuMs();
  longestBlockCpuMs = Math.max(longestBlockCpuMs, now - cpuSeen);
  cpuSeen = now;
}, pollEveryMs).unref();

process.on('message', (message) => {
  if (message === 'reset') {
    delay.reset();
    cpuBefore = cpuMs();
    longestBlockCpuMs = 0;
  }
  if (message !== 'report') return;
  const report: LoopReport = {
    longestBlockMs: delay.max / 1e6,
    longestBlockCpuMs,
    cpuSeconds: (cpuMs() - cpuBefore) / 1e3,
  };
  process.send?.(report);
});

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
}
