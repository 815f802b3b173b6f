import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';

const numRounds = 5;
const resolutionMs = 1;
const spinMs = 30;

/**
 * The longest time that the event loop of this process was held up while some work was done, in ms of a machine that has
 * nothing else to do: of several rounds the best, as others may have the processor in any.
 */
export async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let round = 0; round < numRounds; round++) {
    const before = slowness();
    const delay = monitorEventLoopDelay({ resolution: resolutionMs });
    delay.enable();
    await work();
    // A loop that is held up notes it at its next turn.
    await sleep(2 * resolutionMs);
    delay.disable();
    const ms = delay.max / 1e6 - resolutionMs;
    best = Math.min(best, ms / Math.max(1, (before + slowness()) / 2));
  }
  return best;
}

/** How many times as long as its processor's time a computation takes, as others compute too. */
function slowness(): number {
  const [startMs, start] = [performance.now(), process.cpuUsage()];
  for (let cpuMs = 0; cpuMs < spinMs;) {
    const { user, system } = process.cpuUsage(start);
    cpuMs = (user + system) / 1_000;
  }
  return (performance.now() - startMs) / spinMs;
}
