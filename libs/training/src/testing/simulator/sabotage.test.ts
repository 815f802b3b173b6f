import { describe, expect, it } from 'vitest';
import type { PlannedFault } from './faults.ts';
import { simulate, type SimulationOptions } from './simulate.ts';
import type { Sabotage } from './world.ts';

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

/** What the invariants say of runs in which a part of the protocol is missing. */
function problemsWithout(sabotage: Sabotage, options: SimulationOptions = {}): string[] {
  return seeds.flatMap((seed) => simulate(seed, { ...options, sabotage }).problem ?? []);
}

/** Redis loses all, again and again, and the coordinator dies a little later. */
function diesWhileItRestores(seed: number): PlannedFault[] {
  return [2_000, 5_000, 8_000].flatMap((atMs): PlannedFault[] => [
    { atMs, kind: 'redis-flush', forMs: 50 },
    { atMs: atMs + 10 * seed, kind: 'kill-coordinator', forMs: 100 },
  ]);
}

describe('the simulator notices when', { timeout: 180_000 }, () => {
  it('votes of replaced views count', () => {
    const problems = problemsWithout('no-vote-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I5: a vote of m/));
  });

  it('frames of replaced views count', () => {
    const problems = problemsWithout('no-frame-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I5: m\S+ took a frame/));
  });

  it('frames are not checked', () => {
    const problems = problemsWithout('no-frame-check');
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });

  it('a step that is not finite is voted for', () => {
    const { problem } = simulate(0, { sabotage: 'no-finite-check', notFiniteStep: 20 });
    expect(problem).toBe('I3: step 20 was committed, though it is not finite');
  });

  it('states of replaced views count', () => {
    const problems = problemsWithout('no-state-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I3: /));
  });

  it('votes are not compared', () => {
    const problems = problemsWithout('no-compare', { flipAtMs: 400 });
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });

  it('votes do not compare states', () => {
    const problems = problemsWithout('no-slice', { stateFlips: true });
    expect(problems).toContainEqual(expect.stringMatching(/^A damaged state went unnoticed/));
  });

  it('states are saved without being compared', () => {
    const problems = problemsWithout('no-save-compare', { stateFlips: true });
    expect(problems).toContainEqual(expect.stringMatching(/^I[34]: (a )?checkpoint /));
  });

  it('states are copied without being compared', () => {
    const problems = problemsWithout('no-settle-compare', { stateFlips: true });
    expect(problems).not.toEqual([]);
  });

  it('a damaged member heals, and the steps that it was part of stay', () => {
    const problems = problemsWithout('heal-only', { stateFlips: true });
    expect(problems).toContainEqual(expect.stringMatching(/^I3: |^The run is failed/));
  });

  it('a manifest is written before its shards', () => {
    const problems = problemsWithout('manifest-first');
    expect(problems).toContainEqual(expect.stringMatching(/^I4: checkpoint \d+ is visible/));
  });

  it('a ledger that is partly back passes for whole', () => {
    const problems = seeds.flatMap((seed) => {
      const sabotage = 'half-restore';
      return simulate(seed, { sabotage, plan: diesWhileItRestores(seed) }).problem ?? [];
    });
    expect(simulate(0, { plan: diesWhileItRestores(0) }).problem).toBeUndefined();
    expect(problems).toContainEqual(expect.stringMatching(/^I6: view \d+ begins at step \d+/));
  });

  it('members may join that give other bits under the same names', () => {
    const problems = problemsWithout('no-fingerprint');
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });

  it('the order of additions depends on the members', () => {
    const problems = problemsWithout('member-order');
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });
});

it('a run ends before a step that is not finite', () => {
  const reports = seeds.slice(0, 20).map((seed) => simulate(seed, { notFiniteStep: 20 }));
  for (const { failure } of reports) expect(failure?.code).toBe('NUMERICS_NOT_FINITE');
});

it('a bit that flips in one reduced gradient costs an attempt, and is never committed', () => {
  for (const seed of seeds)
    expect(simulate(seed, { plan: [], flipAtMs: 400 }).problem).toBeUndefined();
});
