import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downsample, type Points } from './downsample.ts';

const value = fc.oneof(
  { weight: 8, arbitrary: fc.double({ noDefaultInfinity: true, noNaN: true }) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) },
);
const points: fc.Arbitrary<Points> = fc
  .array(fc.tuple(fc.integer({ min: -1_000, max: 1_000 }), value), { maxLength: 300 })
  .map((pairs) => {
    const ordered = pairs.toSorted(([a], [b]) => a - b);
    return {
      x: Float64Array.from(ordered, ([x]) => x),
      y: Float64Array.from(ordered, ([, y]) => y),
    };
  });
const view = fc.record({
  from: fc.oneof(fc.constant(-Infinity), fc.integer({ min: -1_100, max: 1_100 })),
  to: fc.oneof(fc.constant(Infinity), fc.integer({ min: -1_100, max: 1_100 })),
  numBuckets: fc.integer({ min: 1, max: 60 }),
});

function shown({ x, y }: Points, from: number, to: number): number[] {
  return Array.from(x).flatMap((place, index) => {
    const value = y[index] ?? Number.NaN;
    return place >= from && place <= to && !Number.isNaN(value) ? [value] : [];
  });
}

describe('downsample', () => {
  it('loses no extreme, keeps the order, and counts every point', () => {
    fc.assert(
      fc.property(points, view, (all, options) => {
        const buckets = downsample(all, options);
        const values = shown(all, options.from, options.to);
        const finite = values.filter(Number.isFinite);
        expect(buckets.numPoints).toBe(values.length);
        expect(buckets.x.length).toBeLessThanOrEqual(options.numBuckets);
        expect(buckets.x).toEqual(buckets.x.toSorted((a, b) => a - b));
        for (const column of [buckets.mean, buckets.min, buckets.max])
          expect(column).toHaveLength(buckets.x.length);
        const known = (column: (number | null)[]): number[] => column.filter((v) => v !== null);
        expect(Math.min(...known(buckets.min))).toBe(Math.min(...finite));
        expect(Math.max(...known(buckets.max))).toBe(Math.max(...finite));
        for (const [index, mean] of buckets.mean.entries()) {
          if (mean === null) continue;
          expect(mean).toBeGreaterThanOrEqual(buckets.min[index] ?? Infinity);
          expect(mean).toBeLessThanOrEqual(buckets.max[index] ?? -Infinity);
        }
        const numBroken = values.length - finite.length;
        expect(buckets.mean.includes(null) || numBroken === 0).toBe(true);
      }),
    );
  });

  it('shows few points as they are, and NaN as an event', () => {
    const x = Float64Array.of(1, 2, 3, 4);
    const y = Float64Array.of(3, Infinity, Number.NaN, 5);
    expect(downsample({ x, y }, { from: 1, to: 9, numBuckets: 3 })).toEqual({
      x: [1, 2, 4],
      mean: [3, null, 5],
      min: [3, null, 5],
      max: [3, null, 5],
      numPoints: 3,
    });
  });
});
