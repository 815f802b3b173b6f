import { describe, expect, it } from 'vitest';
import { clipFactor, globalNorm, requireFiniteNorm } from './clip.ts';

describe('global norm', () => {
  it('is taken over the gradient, not the sums behind it', () => {
    expect(globalNorm(Float32Array.of(3, 0, -4, 100, 200), 3)).toBe(5);
  });

  it('does not overflow where fp32 would', () => {
    expect(globalNorm(Float32Array.of(3e30, 4e30), 2) / 5e30).toBeCloseTo(1, 6);
  });

  it.each([Number.NaN, Infinity, -Infinity])('of %d is refused, and the step named', (value) => {
    const norm = globalNorm(Float32Array.of(1, value), 2);
    expect(() => requireFiniteNorm(norm, 41)).toThrow(
      expect.objectContaining({
        code: 'NUMERICS_NOT_FINITE',
        message: expect.stringContaining('step 41'),
      }),
    );
  });
});

describe('clip factor', () => {
  it('shortens what is longer than the limit and leaves the rest', () => {
    expect(clipFactor(4, 1)).toBe(0.25);
    expect(clipFactor(0.5, 1)).toBe(1);
    expect(clipFactor(0, 1)).toBe(1);
  });
});
