import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Curve } from './curve.ts';
import { smooth, windowFor, windowOnAxis } from './smoothing.ts';

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

describe('the window', () => {
  it('is none for a short run, and at most a sixtieth of a long one', () => {
    expect([0, 120, 900, 3_100, 1e5, 1e9].map(windowFor)).toEqual([0, 0, 10, 50, 1_000, 2_500]);
  });

  it('is as long on the time axis as its steps took', () => {
    const curve = (x: number[], weight: number): Curve => ({
      metric: 'loss',
      attempt: 1,
      isAbandoned: false,
      x,
      mean: x,
      min: x,
      max: x,
      weight: x.map(() => weight),
      width: 0,
    });
    const curves = [curve([0, 1_000, 2_000], 1), { ...curve([0, 9e9], 1), isAbandoned: true }];
    expect(windowOnAxis(10, 'time', curves)).toBe(10_000);
    expect(windowOnAxis(10, 'time', [curve([0, 4_500, 9_000], 5)])).toBeCloseTo(90_000 / 14, 6);
    expect(windowOnAxis(10, 'step', curves)).toBe(10);
    expect(windowOnAxis(10, 'time', [])).toBe(0);
  });
});
