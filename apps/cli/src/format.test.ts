import { describe, expect, it } from 'vitest';
import { formatDuration } from '@berth/launch';
import { formatCount, formatShortCount, formatShortDuration, formatTable } from './format.ts';

describe('formats', () => {
  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [65_000, '1m 05s'],
    [3_600_000, '1h 00m'],
    [11_520_000, '3h 12m'],
  ])('shows %d ms as %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });

  it.each([
    [900, '1s'],
    [119_000, '119s'],
    [190_000, '3m'],
    [11_520_000, '3h'],
    [260_000_000, '3d'],
  ])('shows %d ms in short as %s', (durationMs, text) => {
    expect(formatShortDuration(durationMs)).toBe(text);
  });

  it.each([
    [950, '950'],
    [3_234, '3.2k'],
    [12_345, '12k'],
    [1_149_000, '1.1M'],
  ])('shows %d in short as %s', (value, text) => {
    expect(formatShortCount(value)).toBe(text);
  });

  it('groups thousands', () => {
    expect(formatCount(110_106_428)).toBe('110,106,428');
  });

  it('aligns words left and numbers right', () => {
    expect(
      formatTable([
        ['a', 7],
        ['long', 12_345],
      ]),
    ).toBe('a          7\nlong  12,345');
  });
});
