import type { AlignedBlock } from '@berth/contracts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alignedBlocks, assignBlocks, canonicalAdditions, sumContributions } from './blocks.ts';

const members = (count: number): string[] => Array.from({ length: count }, (_, i) => `m${i}`);
const powerOfTwo = fc.integer({ min: 0, max: 6 }).map((exponent) => 2 ** exponent);

/** Any cut of [0, length) into aligned blocks, whoever owns them. */
function randomCut(start: number, length: number, coin: () => boolean): AlignedBlock[] {
  if (length === 1 || coin()) return [{ start, length }];
  const half = length / 2;
  return [...randomCut(start, half, coin), ...randomCut(start + half, half, coin)];
}

/** What a device gives for a block: the tree sum of its ranks. */
function blockSum(ranks: readonly Float32Array[], { start, length }: AlignedBlock): Float32Array {
  const own = ranks.slice(start, start + length);
  return sumContributions(own.map((data, v) => ({ block: { start: v, length: 1 }, data })));
}

const bits = (vector: Float32Array): Uint32Array => new Uint32Array(vector.buffer);

describe('assignBlocks', () => {
  it('splits 16 ranks over 3 members as 6, 5 and 5', () => {
    expect(assignBlocks(16, members(3))).toEqual([
      [
        { start: 0, length: 4 },
        { start: 4, length: 2 },
      ],
      [
        { start: 6, length: 2 },
        { start: 8, length: 2 },
        { start: 10, length: 1 },
      ],
      [
        { start: 11, length: 1 },
        { start: 12, length: 4 },
      ],
    ]);
  });

  it('gives each of 2^k members one block', () => {
    expect(assignBlocks(8, members(4)).map((blocks) => blocks.length)).toEqual([1, 1, 1, 1]);
  });

  it('leaves members idle when there are fewer ranks than members', () => {
    const blocks = assignBlocks(2, members(5));
    expect(blocks.flat()).toEqual([
      { start: 0, length: 1 },
      { start: 1, length: 1 },
    ]);
    expect(blocks).toHaveLength(5);
  });

  it('tiles the ranks in order, aligned, with shares that differ by at most one', () => {
    fc.assert(
      fc.property(powerOfTwo, fc.integer({ min: 1, max: 80 }), (numVirtualRanks, numMembers) => {
        const assignment = assignBlocks(numVirtualRanks, members(numMembers));
        let next = 0;
        for (const { start, length } of assignment.flat()) {
          expect(start).toBe(next);
          expect(start % length).toBe(0);
          expect(Number.isInteger(Math.log2(length))).toBe(true);
          next += length;
        }
        expect(next).toBe(numVirtualRanks);
        const shares = assignment.map((own) => own.reduce((sum, block) => sum + block.length, 0));
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('refuses a number of ranks that is no power of two, and an empty view', () => {
    for (const numVirtualRanks of [0, 3, 12, 1.5, -4]) {
      expect(() => assignBlocks(numVirtualRanks, members(1))).toThrow(/power of two/);
    }
    expect(() => assignBlocks(8, [])).toThrow(/at least one member/);
  });
});

describe('canonical tree', () => {
  it('adds halves before the whole', () => {
    expect(canonicalAdditions(alignedBlocks(0, 6).concat(alignedBlocks(6, 8)))).toEqual([
      { left: 1, right: 2 },
      { left: 0, right: 1 },
    ]);
  });

  it('gives the same bits for any cut into aligned blocks', () => {
    const element = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(
        fc.array(fc.array(element, { minLength: 3, maxLength: 3 }), {
          minLength: 16,
          maxLength: 16,
        }),
        fc.infiniteStream(fc.boolean()),
        (rows, coins) => {
          const ranks = rows.map((row) => Float32Array.from(row));
          const cut = randomCut(0, 16, () => coins.next().value === true);
          const shuffled = cut.map((block) => ({ block, data: blockSum(ranks, block) })).reverse();
          const whole = blockSum(ranks, { start: 0, length: 16 });
          expect(bits(sumContributions(shuffled))).toEqual(bits(whole));
        },
      ),
    );
  });

  it('differs from a sum in rank order, so the order is worth keeping', () => {
    const values = [1, 2 ** -24, 2 ** -24, 2 ** -24];
    const tree = sumContributions(
      values.map((value, v) => ({ block: { start: v, length: 1 }, data: Float32Array.of(value) })),
    );
    expect(tree[0]).not.toBe(values.reduce((sum, value) => Math.fround(sum + value), 0));
  });

  it.each([
    ['a gap', [0, 1, 2, 2]],
    ['an overlap', [0, 2, 0, 2]],
    ['a block off its alignment', [0, 1, 1, 2, 3, 1]],
    ['a total that is no power of two', [0, 2, 2, 1]],
    ['no block at all', []],
  ])('refuses %s', (_, pairs) => {
    const blocks = Array.from({ length: pairs.length / 2 }, (__, i) => ({
      start: pairs[2 * i]!,
      length: pairs[2 * i + 1]!,
    }));
    expect(() => canonicalAdditions(blocks)).toThrow(/aligned blocks|power of two/);
  });
});
