import { monitorEventLoopDelay } from 'node:perf_hooks';

/** What a process that was started with this as `--import` answers to the message `report`. */
export interface LoopReport {
  /** Longest time that its event loop was held up since the message `reset`. */
  readonly longestBlockMs: number;
  readonly cpuSeconds: number;
}

const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
let before = process.cpuUsage();

process.on('message', (message) => {
  if (message === 'reset') {
    delay.reset();
    before = process.cpuUsage();
  }
  if (message !== 'report') return;
  const { user, system } = process.cpuUsage(before);
  const report: LoopReport = {
    longestBlockMs: delay.max / 1e6,
    cpuSeconds: (user + system) / 1e6,
  };
  process.send?.(report);
});
