import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultKinds, noFaults, planFaults, type FaultCounts } from './plan.ts';

const counts: FaultCounts = {
  ...noFaults,
  'worker-kill': 20,
  'worker-pause': 5,
  'coordinator-kill': 5,
  'redis-kill': 5,
  'redis-flush': 1,
  'store-outage': 3,
};

describe('a plan of faults', () => {
  it('is the same for the same seed and another for another', () => {
    expect(planFaults(1, 200, counts)).toEqual(planFaults(1, 200, counts));
    expect(planFaults(1, 200, counts)).not.toEqual(planFaults(2, 200, counts));
  });

  it('has the faults asked for, in step order, within the run', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 5, max: 500 }), (seed, numSteps) => {
        const plan = planFaults(seed, numSteps, counts);
        for (const kind of faultKinds)
          expect(plan.filter((fault) => fault.kind === kind)).toHaveLength(counts[kind]);
        const steps = plan.map(({ atStep }) => atStep);
        expect(steps).toEqual(steps.toSorted((a, b) => a - b));
        expect(Math.min(...steps)).toBeGreaterThanOrEqual(2);
        expect(Math.max(...steps)).toBeLessThan(numSteps - 1);
      }),
    );
  });
});
