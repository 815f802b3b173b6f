import { describe, expect, it } from 'vitest';
import { simulateAll } from './expect-no-problem.ts';
import { simulate } from './simulate.ts';

const replayed = process.env['BERTH_SIM_SEED'];

describe('a simulated run with 60 faults', () => {
  it.skipIf(replayed !== undefined)('ends with the same weights, whatever the seed', () => {
    const reports = simulateAll(0, 75);
    expect(Math.min(...reports.map(({ numFaults }) => numFaults))).toBeGreaterThanOrEqual(50);
  });

  it.runIf(replayed !== undefined)(`is replayed from seed ${replayed}`, () => {
    expect(simulateAll(Number(replayed), 1)).toHaveLength(1);
  });

  it('is the same every time', () => {
    expect(simulate(7)).toEqual(simulate(7));
  });
});
