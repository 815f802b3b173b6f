import { isBerthError, type Logger } from '@berth/contracts';
import { decideLease, type Holding, type LeaseAnswer } from '../run/decide-lease.ts';
import type { Clock, LeasePort } from './ports.ts';
import { call, type Call, type Script } from './script.ts';

export interface LeaseListener {
  onAcquired(held: Extract<LeaseAnswer, { held: true }>): void;
  onLost(reason: string): void;
  /** The newest epoch known from elsewhere. */
  usedEpoch(): number;
  /** Ends the work, and releases the lease. */
  isOver(): boolean;
}

/**
 * Holds the lease, or stands by for it. Renews every third of its time to live, and asks again just when another holder's
 * runs out. A changed epoch is announced by `onAcquired` alone.
 */
export function* holdLease(
  lease: LeasePort,
  clock: Pick<Clock, 'nowMs' | 'sleep'>,
  listener: LeaseListener,
  logger: Logger,
): Script<void> {
  let holding: Holding = { epoch: undefined, renewedMs: -Infinity };
  let newest = 0;
  while (!listener.isOver()) {
    const sentMs = clock.nowMs();
    newest = Math.max(newest, listener.usedEpoch());
    const answer = yield* reachable(lease.acquire(newest));
    if (answer !== 'unreachable') newest = Math.max(newest, answer.fencingEpoch);
    const times = { sentMs, nowMs: clock.nowMs(), ttlMs: lease.ttlMs };
    const decision = decideLease(holding, answer, times);
    holding = decision.holding;
    if (decision.event !== 'none')
      logger.info(`Lease ${decision.event}`, { reason: decision.reason });
    if (decision.event === 'acquired' && answer !== 'unreachable' && answer.held)
      listener.onAcquired(answer);
    if (decision.event === 'lost') listener.onLost(decision.reason);
    yield* call(clock.sleep(pauseAfter(answer, lease.ttlMs)));
  }
  if (holding.epoch !== undefined) yield* reachable(lease.release());
}

/** The answer to a call; 'unreachable' while Redis is. */
function* reachable<T>(asked: Call<T>): Script<T | 'unreachable'> {
  try {
    return yield* call(asked);
  } catch (error) {
    if (isBerthError(error) && error.code === 'QUEUE_UNREACHABLE') return 'unreachable';
    throw error;
  }
}

function pauseAfter(answer: LeaseAnswer | 'unreachable', ttlMs: number): number {
  const standsBy = answer !== 'unreachable' && !answer.held;
  return standsBy ? Math.min(answer.remainingMs + 1, ttlMs / 3) : ttlMs / 3;
}
