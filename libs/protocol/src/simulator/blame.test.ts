import { describe, expect, it } from 'vitest';
import type { PlannedFault } from './faults.ts';
import { simulate, type SimulationReport } from './simulate.ts';
import type { Sabotage } from './world.ts';

const seeds = Array.from({ length: 3 }, (_, seed) => seed);
const problemsOf = (reports: readonly SimulationReport[]): string[] =>
  reports.flatMap(({ problem }) => problem ?? []);

describe('six devices that hang, one after the other,', () => {
  const plan = seeds.map((number): PlannedFault => ({
    kind: 'device-hang',
    forMs: 0,
    atMs: 1_000 + 300 * number,
  }));
  const run = (sabotage?: Sabotage): SimulationReport[] =>
    seeds.map((seed) => simulate(seed, { plan, sabotage }));

  it('are ended by their watchdogs, and the run goes on', () => {
    expect(problemsOf(run())).toEqual([]);
  });

  it('leave nobody to train without one', () => {
    expect(problemsOf(run('no-watchdog'))).toContainEqual(expect.stringMatching(/^Liveness: /));
  });
});

describe('a worker that dies within steps of a second, again and again for two minutes,', () => {
  const plan: PlannedFault[] = [{ kind: 'crash-loop', forMs: 30_000, atMs: 2_000 }];
  const run = (faults: PlannedFault[], sabotage?: Sabotage): SimulationReport[] =>
    seeds.map((seed) => simulate(seed, { plan: faults, sabotage, computeMs: 1_200 }));
  const durationOf = (reports: readonly SimulationReport[]): number =>
    reports.reduce((sum, { virtualMs }) => sum + virtualMs, 0);

  it('costs the others hardly anything, unless what is known of it is forgotten', () => {
    const calmMs = durationOf(run([]));
    const guarded = run(plan);
    expect(problemsOf(guarded)).toEqual([]);
    expect(durationOf(guarded)).toBeLessThan(1.1 * calmMs);
    expect(durationOf(run(plan, 'quarantine-processes'))).toBeGreaterThan(1.2 * calmMs);
    expect(durationOf(run(plan, 'join-at-once'))).toBeGreaterThan(1.8 * calmMs);
  });

  it('ends the run when attempts are counted whoever made them', () => {
    expect(problemsOf(run(plan, 'attempts-of-all'))).toContainEqual(
      expect.stringMatching(/^The run is failed: Step \d+ failed 30 times/),
    );
  });
});
