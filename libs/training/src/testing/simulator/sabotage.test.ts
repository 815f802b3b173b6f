import { describe, expect, it } from 'vitest';
import { simulate } from './simulate.ts';
import type { Sabotage } from './world.ts';

const seeds = Array.from({ length: 60 }, (_, seed) => seed);

/** What the invariants say of runs in which a part of the protocol is missing. */
function problemsWithout(sabotage: Sabotage, options: { flipAtMs?: number } = {}): string[] {
  return seeds.flatMap((seed) => simulate(seed, { ...options, sabotage }).problem ?? []);
}

describe('the simulator notices when', () => {
  it('votes of replaced views count', () => {
    const problems = problemsWithout('no-vote-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I5: a vote of m/));
  });

  it('frames of replaced views count', () => {
    const problems = problemsWithout('no-frame-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I5: m\d+ took a frame/));
  });

  it('states of replaced views count', () => {
    const problems = problemsWithout('no-state-fence');
    expect(problems).toContainEqual(expect.stringMatching(/^I3: /));
  });

  it('votes are not compared', () => {
    const problems = problemsWithout('no-compare', { flipAtMs: 400 });
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });

  it('a manifest is written before its shards', () => {
    const problems = problemsWithout('manifest-first');
    expect(problems).toContainEqual(expect.stringMatching(/^I4: checkpoint \d+ is visible/));
  });

  it('the order of additions depends on the members', () => {
    const problems = problemsWithout('member-order');
    expect(problems).toContainEqual(expect.stringMatching(/^I1, I3: step \d+ was committed as/));
  });
});

it('a bit that flips in one member is never committed', () => {
  const reports = seeds.map((seed) => simulate(seed, { plan: [], flipAtMs: 400 }));
  const stopped = reports.filter(({ problem }) => problem !== undefined);
  for (const { failure } of stopped) expect(failure?.code).toBe('LEDGER_DIVERGED');
  // In the others a new view came before all had voted, and the step was computed again.
  expect(stopped.length).toBeGreaterThan(seeds.length / 2);
});
