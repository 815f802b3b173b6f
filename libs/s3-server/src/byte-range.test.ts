import { describe, expect, it } from 'vitest';
import { parseByteRange } from './byte-range.ts';

describe('parseByteRange', () => {
  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=2-4', 2, 3],
    ['bytes=7-', 7, 3],
    ['bytes=7-99', 7, 3],
    ['bytes=-4', 6, 4],
    ['bytes=-40', 0, 10],
  ])('cuts %s out of ten bytes', (header, first, length) => {
    expect(parseByteRange(header, 10)).toEqual({ first, length });
  });

  it.each([undefined, 'bytes=', 'bytes=-', 'bytes=4-2', 'bytes=0-1,3-4', 'lines=1-2'])(
    'ignores %s',
    (header) => {
      expect(parseByteRange(header, 10)).toBeUndefined();
    },
  );

  it.each([
    ['bytes=10-', 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
  ])('refuses %s of %d bytes', (header, sizeBytes) => {
    expect(() => parseByteRange(header, sizeBytes)).toThrow(
      expect.objectContaining({ code: 'InvalidRange' }),
    );
  });
});
