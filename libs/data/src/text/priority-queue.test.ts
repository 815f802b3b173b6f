import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPriorityQueue } from './priority-queue.ts';

describe('priority queue', () => {
  it('gives items in order, also when some are added in between', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.integer(), fc.constant('pop'))), (actions) => {
        const queue = createPriorityQueue<number>((a, b) => a < b);
        const sorted: number[] = [];
        const popped: (number | undefined)[] = [];
        const expected: (number | undefined)[] = [];
        const pop = (): void => {
          popped.push(queue.pop());
          expected.push(sorted.shift());
        };
        for (const action of actions) {
          if (typeof action === 'number') {
            queue.push(action);
            sorted.push(action);
            sorted.sort((a, b) => a - b);
          } else {
            pop();
          }
        }
        for (let i = sorted.length; i >= 0; i -= 1) pop();
        expect(popped).toEqual(expected);
      }),
    );
  });
});
