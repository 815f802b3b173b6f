import { Random } from '@berth/protocol';

/** Ways to misbehave, each done to real processes, sockets and services. */
export const faultKinds = [
  'worker-kill',
  'worker-pause',
  'worker-leave',
  'device-hang',
  'crash-loop',
  'state-flip',
  'coordinator-kill',
  'coordinator-and-worker-kill',
  'redis-kill',
  'redis-pause',
  'redis-flush',
  'redis-rollback',
  'replica-promoted',
  'clock-step',
  'store-outage',
  'store-outage-and-worker-kill',
  'store-slow',
  'store-lost-reply',
  'store-bit-flip',
  'store-stall',
  'peer-cut',
  'peer-freeze',
  'peer-slow',
  'contribution-corrupt',
  'reduced-corrupt',
  'all-kill',
  'mixed-release',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type FaultCounts = Readonly<Record<FaultKind, number>>;

export const noFaults = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;

/** One fault, done as soon as a step has been committed. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly atStep: number;
  /** Chooses among several targets. */
  readonly target: number;
}

// In the first steps everyone comes together.
const calmSteps = 2;
/** The rest is for faults that had to wait. */
const disturbedRatio = 0.75;

/**
 * Spreads faults over a run in a random order, one in each of as many equal parts. The same seed gives the same plan.
 * @returns faults by step
 */
export function planFaults(seed: number, numSteps: number, counts: FaultCounts): PlannedFault[] {
  const random = new Random(seed);
  const kinds = faultKinds.flatMap((kind) => Array.from({ length: counts[kind] }, () => kind));
  for (let last = kinds.length - 1; last > 0; last--) {
    const other = random.next() % (last + 1);
    [kinds[last], kinds[other]] = [kinds[other]!, kinds[last]!];
  }
  const span = Math.max(1, disturbedRatio * numSteps - calmSteps);
  return kinds.map((kind, index) => {
    const place = (index + random.next() / 2 ** 32) / kinds.length;
    return { kind, atStep: calmSteps + Math.floor(place * span), target: random.next() };
  });
}
