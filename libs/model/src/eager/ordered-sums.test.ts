import { describe, expect, it } from 'vitest';
import { sumInOrder, treeSum } from './ordered-sums.ts';

const join = (left: string, right: string) => `(${left}+${right})`;
const leaves = (length: number) => Array.from({ length }, (_, index) => () => String(index));

describe('ordered sums', () => {
  it('add in order', () => {
    expect(sumInOrder(leaves(4), join)).toBe('(((0+1)+2)+3)');
  });

  it('add as a binary tree, lower ranks left', () => {
    expect(treeSum(leaves(1), join)).toBe('0');
    expect(treeSum(leaves(4), join)).toBe('((0+1)+(2+3))');
    expect(treeSum(leaves(8), join)).toBe('(((0+1)+(2+3))+((4+5)+(6+7)))');
  });

  it('hold one partial sum per level of the tree', () => {
    let alive = 0;
    let mostAlive = 0;
    const summands = Array.from({ length: 64 }, () => (): number => {
      mostAlive = Math.max(mostAlive, ++alive);
      return 1;
    });
    const total = treeSum(summands, (left, right) => {
      alive -= 1;
      return left + right;
    });
    expect([total, mostAlive]).toEqual([64, 7]);
  });

  it.each([0, 3, 6])('refuse a tree of %d leaves', (length) => {
    expect(() => treeSum(leaves(length), join)).toThrow(RangeError);
  });
});
