/** Ways to misbehave, each done to real processes. */
export const faultKinds = [
  'worker-kill',
  'worker-pause',
  'coordinator-kill',
  'redis-kill',
  'redis-flush',
  'store-outage',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type FaultCounts = Readonly<Record<FaultKind, number>>;

/** One fault, done as soon as a step has been committed. */
export interface PlannedFault {
  readonly kind: FaultKind;
  readonly atStep: number;
  /** Chooses among several targets. */
  readonly target: number;
}

// The first steps compile the graph, and after the last nothing is left to disturb.
const calmSteps = 2;

/**
 * Spreads faults over a run. The same seed gives the same plan.
 * @returns faults by step
 */
export function planFaults(seed: number, numSteps: number, counts: FaultCounts): PlannedFault[] {
  const random = randomSource(seed);
  const span = Math.max(1, numSteps - 2 * calmSteps);
  const faults = faultKinds.flatMap((kind) =>
    Array.from({ length: counts[kind] }, () => ({
      kind,
      atStep: calmSteps + (random() % span),
      target: random(),
    })),
  );
  return faults.sort((a, b) => a.atStep - b.atStep);
}

/** splitmix32: whole numbers below 2^32. */
function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
}
