import { describe, expect, it } from 'vitest';
import {
  diesInAnOutage,
  diesWhileItRestores,
  every,
  flipsAndRollbacks,
  flipsAndRollbacksUnseen,
  goingBack,
  lateCopies,
  losesItsBeginning,
  restsAndFlips,
  storedLate,
} from './plans.ts';
import { mustEndWell } from './must-end-well.ts';
import { simulate, type SimulationOptions } from './simulate.ts';
import type { Sabotage } from './world.ts';

/** Until one shows what is missing. */
const maxSeeds = 200;
/** Those that show it as the protocol is now are tried first. */
const showsFirst: Partial<Record<Sabotage, number>> = {
  'no-vote-fence': 9,
  'no-frame-fence': 8,
  'no-frame-check': 2,
  'no-compare': 7,
  'half-restore': 22,
  'no-older-watch': 19,
  'seed-for-model': 15,
  'phase-by-memory': 2,
  'no-clock-repair': 23,
  'no-rewind-again': 4,
  'restore-once': 4,
  'no-slice': 1,
  'no-save-compare': 3,
  'no-go-back-fence': 56,
  'no-delete-fence': 1,
};

const seeds = Array.from({ length: 8 }, (_, seed) => seed);

type Options = Omit<SimulationOptions, 'sabotage'>;

/** What the invariants say of the first run that shows that a part of the protocol is missing; undefined when none does. */
function problemWithout(
  sabotage: Sabotage,
  expected: RegExp,
  optionsOf: (seed: number) => Options = () => ({}),
): string | undefined {
  const first = showsFirst[sabotage] ?? 0;
  for (let index = 0; index < maxSeeds; index++) {
    const seed = (first + index) % maxSeeds;
    const { problem } = simulate(seed, { ...optionsOf(seed), sabotage });
    if (problem !== undefined && expected.test(problem)) return problem;
  }
  return undefined;
}

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

it.each(mustEndWell)('%s', (_, problemOf) => {
  expect(seeds.flatMap((seed) => problemOf(seed) ?? [])).toEqual([]);
});
