import { array, assert, constantFrom, nat, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SliceQueue } from './slice-queue.ts';

const taken = (queue: SliceQueue, donor: string): number => {
  const index = queue.take(donor);
  if (index === undefined) throw new Error(`nothing for ${donor}`);
  return index;
};

describe('SliceQueue', () => {
  it('gives each slice to one donor', () => {
    const queue = new SliceQueue(3, ['a', 'b']);
    expect([queue.take('a'), queue.take('b'), queue.take('a'), queue.take('b')]).toEqual([
      0,
      1,
      2,
      undefined,
    ]);
  });

  it('asks another for what a lost donor had under way', () => {
    const queue = new SliceQueue(3, ['a', 'b']);
    queue.arrived('a', taken(queue, 'a'));
    taken(queue, 'a');
    queue.lost('a');
    expect(queue.take('a')).toBeUndefined();
    expect([taken(queue, 'b'), taken(queue, 'b')]).toEqual([1, 2]);
  });

  it('asks another for what a donor has spoilt', () => {
    const queue = new SliceQueue(1, ['a', 'b']);
    expect(queue.spoilt('a', taken(queue, 'a'))).toBe(true);
    expect(queue.take('a')).toBeUndefined();
    expect(queue.take('b')).toBe(0);
  });

  it('asks the same one again if there is no other, three times in all', () => {
    const queue = new SliceQueue(1, ['a']);
    const again = [0, 1, 2].map(() => queue.spoilt('a', taken(queue, 'a')));
    expect(again).toEqual([true, true, false]);
  });

  it('is done once all slices have arrived, whatever happens, while a donor is left', () => {
    const happening = record({
      donor: constantFrom('a', 'b', 'c'),
      what: constantFrom('arrived', 'spoilt', 'lost'),
    });
    assert(
      property(nat({ max: 20 }), array(happening), (numSlices, happenings) => {
        const queue = new SliceQueue(numSlices, ['a', 'b', 'c', 'true']);
        const arrivals: number[] = [];
        const give = (donor: string): boolean => {
          const index = queue.take(donor);
          if (index === undefined) return false;
          arrivals.push(index);
          queue.arrived(donor, index);
          return true;
        };
        for (const { donor, what } of happenings)
          if (what === 'arrived') give(donor);
          else {
            const index = queue.take(donor);
            if (index !== undefined && what === 'spoilt') queue.spoilt(donor, index);
            if (what === 'lost') queue.lost(donor);
          }
        while (give('true'));
        expect(queue.isDone).toBe(true);
        expect(arrivals.toSorted((x, y) => x - y)).toEqual([...Array(numSlices).keys()]);
      }),
    );
  });
});
