import type { Fault, PlannedFault } from './faults.ts';

/** When an undisturbed run has ended. */
const endMs = 15_000;

/** Redis loses all, again and again, and the coordinator dies a little later. */
export function diesWhileItRestores(seed: number): PlannedFault[] {
  return [2_000, 4_500, 7_000, 9_500, 12_000, 14_500].flatMap((atMs): PlannedFault[] => [
    { atMs, kind: 'redis-flush', forMs: 50 },
    { atMs: atMs + 10 * seed, kind: 'kill-coordinator', forMs: 100 },
  ]);
}

/** A deletion is on its way while the run goes back, and so is what makes it safe. */
export const goingBack: readonly PlannedFault[] = [2_000, 5_000].flatMap((atMs): PlannedFault[] => [
  { kind: 'store-stall', call: 'delete', at: 'request', atMs },
  { kind: 'rewind-run', atMs: atMs + 1_200, forMs: 0 },
  { kind: 'store-stall', call: 'put', at: 'request', atMs: atMs + 1_300 },
]);

/** All workers are told to leave, at once or within some time, again and again. */
export function leavesTogether(withinMs: number): PlannedFault[] {
  return [2_130, 8_350, 14_070].map((atMs) => ({
    kind: 'leave-all-members',
    atMs,
    forMs: withinMs,
  }));
}

/** The bucket is away again and again, and all workers die in it, with a state on disk. */
export function diesInAnOutage(...others: readonly Fault[]): PlannedFault[] {
  return [2_500, 6_500, 10_500].flatMap((atMs): PlannedFault[] => [
    { kind: 'store-away', atMs, forMs: 1_800 },
    { kind: 'kill-all-members', atMs: atMs + 1_600, forMs: 400 },
    ...others.map((fault) => ({ ...fault, atMs: atMs + 1_700 })),
  ]);
}

/** Before the first checkpoint Redis loses all, again and again, while the bucket is there every other moment. */
export const losesItsBeginning: readonly PlannedFault[] = [
  ...Array.from({ length: 40 }, (_, index) => ({
    kind: 'store-away' as const,
    atMs: 700 + 150 * index,
    forMs: 75,
  })),
  ...[1_400, 2_400, 3_400].flatMap((atMs): PlannedFault[] => [
    { kind: 'kill-all-members', atMs, forMs: 50 },
    { kind: 'redis-flush', atMs: atMs + 100, forMs: 0 },
  ]),
];

/** After a long outage all die, and who has the newest state on disk stores it while the others train on already. */
export const storedLate: readonly PlannedFault[] = [
  { kind: 'store-away', atMs: 5_000, forMs: 42_000 },
  { kind: 'kill-all-members', atMs: 46_950, forMs: 100 },
  { kind: 'store-stall', call: 'put', at: 'request', atMs: 47_000 },
];

/** The same fault again and again, so that it comes at the run's end too. */
export function every(intervalMs: number, kind: 'redis-rollback' | 'notes-lost'): PlannedFault[] {
  const count = Math.floor(endMs / intervalMs);
  return Array.from({ length: count }, (_, index) => ({
    kind,
    atMs: 2_000 + intervalMs * index,
    forMs: 400,
  }));
}

/** Calls reach Redis again and again much later, while coordinators and workers come and go. */
export const lateCopies: readonly PlannedFault[] = Array.from({ length: 800 }, (_, index) => {
  const atMs = 1_000 + 10 * index;
  if (index % 100 === 0) return { kind: 'kill-coordinator', atMs, forMs: 100 };
  if (index % 40 === 0) return { kind: 'kill-member', atMs, forMs: 300 };
  return { kind: 'call', fault: 'late-copy', atMs };
});

/** States are damaged and the run goes back, and then Redis comes back from before that. */
export const flipsAndRollbacks: readonly PlannedFault[] = Array.from(
  { length: 40 },
  (_, index) => ({
    kind: index % 2 === 0 ? 'state-flip' : 'redis-rollback',
    atMs: 1_500 + 700 * index,
    forMs: 1_200,
  }),
);

/** The same, and who leads then dies before the bucket answers. */
export const flipsAndRollbacksUnseen: readonly PlannedFault[] = Array.from(
  { length: 10 },
  (_, index) => 1_500 + 2_500 * index,
).flatMap((atMs): PlannedFault[] => [
  { kind: 'state-flip', atMs, forMs: 0 },
  { kind: 'store-away', atMs: atMs + 700, forMs: 1_300 },
  { kind: 'redis-rollback', atMs: atMs + 700, forMs: 1_200 },
  { kind: 'kill-coordinator', atMs: atMs + 1_400, forMs: 50 },
  { kind: 'kill-coordinator', atMs: atMs + 1_410, forMs: 50 },
]);

/** A run is to rest, and no coordinator looks, while members find that their states differ and train on. */
export const restsAndFlips: readonly PlannedFault[] = Array.from(
  { length: 16 },
  (_, index) => 450 + 1_500 * index,
).flatMap((atMs): PlannedFault[] => [
  { kind: 'pause-coordinator', atMs, forMs: 700 },
  { kind: 'pause-coordinator', atMs: atMs + 1, forMs: 700 },
  { kind: 'state-flip', atMs: atMs + 100, forMs: 0 },
  { kind: 'pause-run', atMs: atMs + 200, forMs: 0 },
]);
