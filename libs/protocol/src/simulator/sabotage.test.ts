import { describe, expect, it } from 'vitest';
import type { Fault, PlannedFault } from './faults.ts';
import { simulate, type SimulationOptions } from './simulate.ts';
import type { Sabotage } from './world.ts';

/** When an undisturbed run has ended. */
const endMs = 15_000;
/** Until one shows what is missing. */
const maxSeeds = 200;
const seeds = Array.from({ length: 60 }, (_, seed) => seed);

type Options = Omit<SimulationOptions, 'sabotage'>;

/** What the invariants say of the first run that shows that a part of the protocol is missing; undefined when none does. */
function problemWithout(
  sabotage: Sabotage,
  expected: RegExp,
  optionsOf: (seed: number) => Options = () => ({}),
): string | undefined {
  for (let seed = 0; seed < maxSeeds; seed++) {
    const { problem } = simulate(seed, { ...optionsOf(seed), sabotage });
    if (problem !== undefined && expected.test(problem)) return problem;
  }
  return undefined;
}

/** Redis loses all, again and again, and the coordinator dies a little later. */
function diesWhileItRestores(seed: number): PlannedFault[] {
  return [2_000, 4_500, 7_000, 9_500, 12_000, 14_500].flatMap((atMs): PlannedFault[] => [
    { atMs, kind: 'redis-flush', forMs: 50 },
    { atMs: atMs + 10 * seed, kind: 'kill-coordinator', forMs: 100 },
  ]);
}

/** A deletion is on its way while the run goes back, and so is what makes it safe. */
const goingBack = [2_000, 5_000].flatMap((atMs): PlannedFault[] => [
  { kind: 'store-stall', call: 'delete', at: 'request', atMs },
  { kind: 'rewind-run', atMs: atMs + 1_200, forMs: 0 },
  { kind: 'store-stall', call: 'put', at: 'request', atMs: atMs + 1_300 },
]);

/** The bucket is away again and again, and all workers die in it, with a state on disk. */
function diesInAnOutage(...others: readonly Fault[]): PlannedFault[] {
  return [2_500, 6_500, 10_500].flatMap((atMs): PlannedFault[] => [
    { kind: 'store-away', atMs, forMs: 1_800 },
    { kind: 'kill-all-members', atMs: atMs + 1_600, forMs: 400 },
    ...others.map((fault) => ({ ...fault, atMs: atMs + 1_700 })),
  ]);
}

/** Before the first checkpoint Redis loses all, again and again, while the bucket is there every other moment. */
const losesItsBeginning: readonly PlannedFault[] = [
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
const storedLate: readonly PlannedFault[] = [
  { kind: 'store-away', atMs: 5_000, forMs: 42_000 },
  { kind: 'kill-all-members', atMs: 46_950, forMs: 100 },
  { kind: 'store-stall', call: 'put', at: 'request', atMs: 47_000 },
];

/** The same fault again and again, so that it comes at the run's end too. */
function every(intervalMs: number, kind: 'redis-rollback' | 'notes-lost'): PlannedFault[] {
  const count = Math.floor(endMs / intervalMs);
  return Array.from({ length: count }, (_, index) => ({
    kind,
    atMs: 2_000 + intervalMs * index,
    forMs: 400,
  }));
}

/** Calls reach Redis again and again much later, while coordinators and workers come and go. */
const lateCopies: readonly PlannedFault[] = Array.from({ length: 800 }, (_, index) => {
  const atMs = 1_000 + 10 * index;
  if (index % 100 === 0) return { kind: 'kill-coordinator', atMs, forMs: 100 };
  if (index % 40 === 0) return { kind: 'kill-member', atMs, forMs: 300 };
  return { kind: 'call', fault: 'late-copy', atMs };
});

/** States are damaged and the run goes back, and then Redis comes back from before that. */
const flipsAndRollbacks: readonly PlannedFault[] = Array.from({ length: 40 }, (_, index) => ({
  kind: index % 2 === 0 ? 'state-flip' : 'redis-rollback',
  atMs: 1_500 + 700 * index,
  forMs: 1_200,
}));

/** The same, and who leads then dies before the bucket answers. */
const flipsAndRollbacksUnseen = Array.from(
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
const restsAndFlips = Array.from({ length: 16 }, (_, index) => 450 + 1_500 * index).flatMap(
  (atMs): PlannedFault[] => [
    { kind: 'pause-coordinator', atMs, forMs: 700 },
    { kind: 'pause-coordinator', atMs: atMs + 1, forMs: 700 },
    { kind: 'state-flip', atMs: atMs + 100, forMs: 0 },
    { kind: 'pause-run', atMs: atMs + 200, forMs: 0 },
  ],
);

const flips = (): Options => ({ stateFlips: true });

describe('the simulator notices when', () => {
  it.each<[string, Sabotage, RegExp, ((seed: number) => Options)?]>([
    ['votes of replaced views count', 'no-vote-fence', /^I5: a vote of m/],
    ['frames of replaced views count', 'no-frame-fence', /^I5: m\S+ took a frame/],
    ['frames are not checked', 'no-frame-check', /^I1, I3: step \d+ was committed as/],
    ['states of replaced views count', 'no-state-fence', /^I3: /],
    [
      'votes are not compared',
      'no-compare',
      /^I1, I3: step \d+ was committed as/,
      () => ({ flipAtMs: 400 }),
    ],
    ['a manifest is written before its shards', 'manifest-first', /^I4: checkpoint \d+ is visible/],
    [
      'a ledger that is partly back passes for whole',
      'half-restore',
      /^I6: view \d+ begins at step \d+/,
      (seed) => ({ plan: diesWhileItRestores(seed) }),
    ],
    [
      'a Redis that comes back older is not recognised',
      'no-older-watch',
      /^I5: there are two views/,
    ],
    [
      'views that such a Redis brings back are followed',
      'no-older-views',
      /^I6: m\S+ begins from the seed/,
      () => ({ plan: every(700, 'redis-rollback') }),
    ],
    [
      'nobody looks for checkpoints beyond its ledger',
      'no-restore',
      /^I6: m\S+ begins from the seed/,
      (seed) => ({ plan: diesWhileItRestores(seed) }),
    ],
    [
      'nobody looks for what was stored while steps are done again',
      'no-late-look',
      /^I6: m\S+ does step \d+, although there is checkpoint/,
      () => ({ plan: storedLate, computeMs: 900 }),
    ],
    [
      'a process that starts again does not look at its disk',
      'no-spool-look',
      /^I6: m\S+ does step \d+, although there is checkpoint/,
      () => ({ plan: diesInAnOutage() }),
    ],
    [
      'what it finds there is stored whatever the ledger holds',
      'spool-unproven',
      /^I6: checkpoint \d+ lacks steps of the ledger/,
      () => ({ plan: diesInAnOutage({ kind: 'redis-flush', forMs: 0 }) }),
    ],
    [
      'a run begins from its seed where its stored model cannot be read',
      'seed-for-model',
      /^I3: m\S+ holds \w+ at step 0/,
      () => ({ plan: losesItsBeginning }),
    ],
    [
      'only who did the last step of a phase knows where the next begins',
      'phase-by-memory',
      /^The run is failed: step 20 is in the ledger as 20\|2\.0/,
      (seed) => ({ plan: [{ kind: 'kill-all-members', atMs: 2_300 + 20 * seed, forMs: 100 }] }),
    ],
    [
      'what was made at the end of a view and got lost is not made again',
      'no-rest-watch',
      /^Liveness: step 100 of 100/,
      () => ({ plan: every(10, 'notes-lost') }),
    ],
    [
      'ages of members follow the clock of Redis wherever it is set',
      'no-clock-repair',
      /^Liveness: m\S+ is dead/,
    ],
    [
      'records are changed by whoever once held the lease',
      'no-record-fence',
      /^I5: c\d+ changed the record/,
      () => ({ plan: lateCopies }),
    ],
    [
      'what was cut off stays when Redis brings it back',
      'no-rewind-again',
      /^The run is failed|^I1, I3|^A damaged state/,
      () => ({ plan: flipsAndRollbacks }),
    ],
    [
      'what Redis came back without is forgotten with who saw it first',
      'restore-once',
      /^The run is failed/,
      () => ({ plan: flipsAndRollbacksUnseen }),
    ],
    ['votes do not compare states', 'no-slice', /^A damaged state went unnoticed/, flips],
    [
      'states are saved without being compared',
      'no-save-compare',
      /^I[34]: (a )?checkpoint /,
      flips,
    ],
    [
      'a run goes back with members that have not heard of it',
      'no-go-back-fence',
      /^I5: a vote of m\S+ counted while the run was/,
      () => ({ plan: restsAndFlips }),
    ],
    ['states are copied without being compared', 'no-settle-compare', /./, flips],
    [
      'a damaged member heals, and the steps that it was part of stay',
      'heal-only',
      /^I3: |^The run is failed/,
      flips,
    ],
    [
      'lines share the keys of their checkpoints',
      'no-line-keys',
      /^I6: checkpoint \d+ of the run was saved/,
      () => ({ plan: goingBack }),
    ],
    [
      'a checkpoint that is gone back to is not pinned',
      'no-pin',
      /^I6: checkpoint \d+ of the run was saved/,
      () => ({ plan: goingBack }),
    ],
    [
      'deletions decided on are sent however late',
      'no-delete-fence',
      /is visible, but not whole|of the run was saved/,
      () => ({ plan: goingBack }),
    ],
    [
      'the order of additions depends on the members',
      'member-order',
      /^I1, I3: step \d+ was committed as/,
    ],
  ])('%s', (_, sabotage, expected, optionsOf) => {
    expect(problemWithout(sabotage, expected, optionsOf)).toMatch(expected);
  });
});

it('the simulator notices when a step that is not finite is voted for', () => {
  const { problem } = simulate(0, { sabotage: 'no-finite-check', notFiniteStep: 20 });
  expect(problem).toBe('I3: step 20 was committed, though it is not finite');
});

it('a ledger comes back whole wherever the coordinator dies', () => {
  expect(simulate(0, { plan: diesWhileItRestores(0) }).problem).toBeUndefined();
});

it('a run ends before a step that is not finite', () => {
  const reports = seeds.slice(0, 20).map((seed) => simulate(seed, { notFiniteStep: 20 }));
  for (const { failure } of reports) expect(failure?.code).toBe('NUMERICS_NOT_FINITE');
});

it('a bit that flips in one reduced gradient costs an attempt, and is never committed', () => {
  for (const seed of seeds)
    expect(simulate(seed, { plan: [], flipAtMs: 400 }).problem).toBeUndefined();
});

it('a state on disk outlives the process, and is stored before that trains again', () => {
  const run = (seed: number) => simulate(seed, { plan: diesInAnOutage() }).problem ?? [];
  expect(seeds.slice(0, 20).flatMap(run)).toEqual([]);
});

it('calls to the bucket that are done late harm nobody', () => {
  expect(seeds.flatMap((seed) => simulate(seed, { plan: goingBack }).problem ?? [])).toEqual([]);
});
