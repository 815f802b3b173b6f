import { describe, expect, it } from 'vitest';
import { longestPause } from './faults.mjs';

describe('longestPause', () => {
  it('counts from the fault, not from the commit before it', () => {
    expect(longestPause([100, 200, 1_000, 1_100], 500, 2_000)).toBe(500);
  });

  it('finds the longest of several, within the span', () => {
    expect(longestPause([100, 550, 600, 900, 5_000], 500, 2_000)).toBe(300);
  });
});
