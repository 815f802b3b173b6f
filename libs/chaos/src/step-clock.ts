import type { SettableClock } from '@berth/faults';
import type { DoneFault } from './done-fault.ts';
import type { RunWatch } from './run-watch.ts';

const stepMs = 600_000;
/** Enough for a lost worker to be missed, if one is. */
const stepsUnderWrongClock = 10;

/** Sets the clock of Redis, and sets it right again once the run has gone on. Its time to recovery ends with those steps. */
export async function stepClock(
  clock: SettableClock,
  watch: RunWatch,
  direction: 1 | -1,
): Promise<DoneFault> {
  const startMs = Date.now();
  const until = watch.numCommitted + stepsUnderWrongClock;
  clock.set(direction * stepMs);
  await watch.until(() => watch.isOver || watch.numCommitted >= until, 'steps');
  const tookMs = Date.now() - startMs;
  clock.set(0);
  return { sinceMs: Date.now(), isRecovery: () => true, tookMs };
}
