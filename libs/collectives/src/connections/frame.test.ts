import { crc32 } from 'node:zlib';
import { allReduceDtypes } from '@berth/contracts';
import * as fc from 'fast-check';
import { frameFormats } from './frame-format.ts';
import { describe, expect, it } from 'vitest';
import {
  decodeFrame,
  encodeFrame,
  frameHeaderBytes,
  type FrameHeader,
  frameTypes,
  isStale,
  requireFrame,
  runHashOf,
  sumsOfFrame,
} from './frame.ts';
import { chunkBytes } from '../reduce/plan.ts';

const u16 = fc.nat({ max: 0xffff });
const u32 = fc.nat({ max: 0xffff_ffff });
const u48 = fc.nat({ max: 2 ** 48 - 1 });
const frames: fc.Arbitrary<FrameHeader> = fc.record({
  format: fc.constantFrom(...frameFormats),
  type: fc.constantFrom(...frameTypes),
  dtype: fc.constantFrom(...allReduceDtypes),
  runHash: fc.string().map(runHashOf),
  fencingEpoch: u48,
  viewVersion: u48,
  step: u48,
  sender: u16,
  slice: u16,
  block: fc.record({ start: u32, length: u32 }),
  vectorLength: u32,
  offset: u32,
  length: fc.integer({ min: 1, max: chunkBytes / 4 }),
});

describe('frame header', () => {
  it('survives encoding', () => {
    fc.assert(
      fc.property(frames, u32, u32, (frame, ...sums) => {
        const bytes = encodeFrame(frame, sums);
        expect(bytes).toHaveLength(frameHeaderBytes);
        expect(decodeFrame(bytes)).toEqual(frame);
        expect(sumsOfFrame(bytes)).toEqual(sums);
      }),
    );
  });

  it('is refused or read, but never crashes, whatever the bytes', () => {
    const bytes = fc.uint8Array({ minLength: frameHeaderBytes, maxLength: frameHeaderBytes });
    fc.assert(
      fc.property(bytes, (noise) => {
        expect(() => decodeFrame(Buffer.from(noise))).toThrow(
          expect.objectContaining({ code: 'COLLECTIVE_PROTOCOL' }),
        );
      }),
    );
  });

  it('is refused with any one bit changed', () => {
    const bytes = encodeFrame(fc.sample(frames, 1)[0]!, [1, 2]);
    for (let bit = 0; bit < 8 * frameHeaderBytes; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => decodeFrame(damaged)).toThrow(
        expect.objectContaining({ code: 'COLLECTIVE_PROTOCOL' }),
      );
    }
  });

  it.each([
    ['type', 5, 9],
    ['dtype', 56, 2],
    ['length', 52, 0],
  ])('is refused with a wrong %s, be it intact', (_, offset, value) => {
    const bytes = encodeFrame({ ...fc.sample(frames, 1)[0]!, length: 1 }, [1, 2]);
    bytes[offset] = value;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), frameHeaderBytes - 4);
    expect(() => decodeFrame(bytes)).toThrow(/no frame|1 to/);
  });

  it('is refused with more elements than a chunk has', () => {
    const frame = { ...fc.sample(frames, 1)[0]!, length: chunkBytes / 2 + 1 };
    expect(() => decodeFrame(encodeFrame(frame, [0, 0]))).toThrow(/elements/);
  });
});

describe('isStale', () => {
  const order = fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 }), fc.nat({ max: 2 }));

  it('orders by epoch, then view, then step', () => {
    fc.assert(
      fc.property(frames, order, order, (frame, a, b) => {
        const at = ([fencingEpoch, viewVersion, step]: typeof a): FrameHeader => ({
          ...frame,
          fencingEpoch,
          viewVersion,
          step,
        });
        expect(isStale(at(a), at(b))).toBe(a.join('') < b.join(''));
      }),
    );
  });

  it('knows nothing of other runs', () => {
    const frame = { ...fc.sample(frames, 1)[0]!, step: 5 };
    expect(isStale({ ...frame, runHash: runHashOf('other'), step: 1 }, frame)).toBe(false);
  });
});

describe('requireFrame', () => {
  it('accepts the frame that is due, and no other', () => {
    fc.assert(
      fc.property(frames, frames, (due, other) => {
        expect(() => requireFrame({ ...due }, due)).not.toThrow();
        expect(() => requireFrame({ ...other, step: due.step + 1 }, due)).toThrow(/is due/);
      }),
    );
  });
});
