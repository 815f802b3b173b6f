import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smooth } from './smoothing.ts';

const steps = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('smooth', () => {
  it('leaves a constant as it is, from its first point on', () => {
    const x = steps(50);
    for (const value of smooth(
      x,
      x.map(() => 3),
      10,
    ))
      expect(value).toBeCloseTo(3, 12);
  });

  it('stays within what was measured', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1 }), (y) => {
        const smoothed = smooth(steps(y.length), y, 7);
        for (const value of smoothed) {
          expect(value).toBeGreaterThanOrEqual(Math.min(...y) - 1e-9);
          expect(value).toBeLessThanOrEqual(Math.max(...y) + 1e-9);
        }
      }),
    );
  });

  it('says about the same of every point and of every tenth', () => {
    const x = steps(2000);
    const curve = (at: number): number => Math.exp(-at / 400);
    const all = smooth(x, x.map(curve), 100);
    const few = x.filter((at) => at % 10 === 0);
    const ofFew = smooth(few, few.map(curve), 100);
    expect(ofFew[150]).toBeCloseTo(all[1500] ?? 0, 2);
  });

  it('leaves gaps and switches off at 0', () => {
    expect(smooth([0, 1, 2], [1, null, 2], 5)[1]).toBeNull();
    expect(smooth([0, 1, 2], [1, 5, 2], 0)).toEqual([1, 5, 2]);
  });
});
