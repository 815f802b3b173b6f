import type { Random } from '../random.ts';
import {
  callFaults,
  frameFaults,
  storeCalls,
  type CallFault,
  type FrameFault,
  type StoreStall,
} from './world.ts';

/** One fault of a plan. Those of single messages lie in wait for the next one. */
export type Fault =
  | { readonly kind: 'call'; readonly fault: CallFault }
  | { readonly kind: 'frame'; readonly fault: FrameFault }
  | ({ readonly kind: 'store-stall' } & StoreStall)
  | {
      readonly kind:
        | 'kill-member'
        | 'pause-member'
        | 'leave-member'
        /** All are told to leave, one after the other within the time. */
        | 'leave-all-members'
        | 'join-member'
        | 'state-flip'
        | 'kill-all-members'
        | 'device-hang'
        | 'crash-loop'
        | 'kill-coordinator'
        | 'pause-coordinator'
        | 'redis-away'
        | 'redis-flush'
        /** Redis is restarted from a snapshot that is so old. */
        | 'redis-rollback'
        /** A replica that lags so much takes the place of Redis while it answers. */
        | 'replica-promoted'
        /** Redis forgets which checkpoints and evaluations there are. */
        | 'notes-lost'
        | 'store-away'
        | 'stop-run'
        | 'pause-run'
        | 'kill-run'
        | 'checkpoint-run'
        | 'rewind-run'
        | 'mixed-release';
      readonly forMs: number;
    }
  /** The clock of Redis is set. */
  | { readonly kind: 'clock-step'; readonly byMs: number };

export type PlannedFault = Fault & { readonly atMs: number };

const faultsPerRun = 60;
const longestClockStepMs = 600_000;
/** Between two faults, on average: some runs have hardly time to recover, others have some. */
const meanGapMs = { least: 40, most: 140 };

type Weights = Readonly<Record<Fault['kind'], number>>;

/** How often each kind is drawn. */
const weights = {
  call: 26,
  frame: 22,
  'kill-member': 12,
  'pause-member': 6,
  'leave-member': 3,
  'leave-all-members': 1,
  'join-member': 4,
  'state-flip': 2,
  'kill-all-members': 1,
  'device-hang': 3,
  'crash-loop': 2,
  'kill-coordinator': 4,
  'pause-coordinator': 3,
  'redis-away': 3,
  'redis-flush': 2,
  'redis-rollback': 3,
  'replica-promoted': 2,
  'notes-lost': 1,
  'clock-step': 2,
  'store-away': 4,
  'store-stall': 1,
  'stop-run': 1,
  'pause-run': 1,
  'kill-run': 1,
  'checkpoint-run': 2,
  'rewind-run': 1,
  'mixed-release': 3,
} satisfies Weights;

/** Draws a run's faults, by time. */
export function planFaults(random: Random, drawn: Partial<Weights> = weights): PlannedFault[] {
  const urn = Object.entries(drawn).flatMap(([kind, count]) =>
    Array.from({ length: count }, () => kind as Fault['kind']),
  );
  const gapMs = random.between(meanGapMs.least, meanGapMs.most);
  let atMs = 300;
  return Array.from({ length: faultsPerRun }, () => {
    atMs += random.between(0, 2 * gapMs);
    return { atMs, ...drawFault(random, urn) };
  });
}

function drawFault(random: Random, urn: readonly Fault['kind'][]): Fault {
  const kind = random.pick(urn) ?? 'call';
  switch (kind) {
    case 'call':
      return { kind, fault: random.pick(callFaults) ?? 'slow' };
    case 'frame':
      return { kind, fault: random.pick(frameFaults) ?? 'late' };
    case 'store-stall': {
      const call = random.pick(storeCalls) ?? 'delete';
      return { kind, call, at: random.chance(0.5) ? 'request' : 'reply' };
    }
    case 'clock-step':
      return { kind, byMs: random.between(-longestClockStepMs, longestClockStepMs) };
    default:
      return { kind, forMs: random.between(50, 5_000) };
  }
}
