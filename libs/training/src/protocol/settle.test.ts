import { describe, expect, it } from 'vitest';
import { planSettle } from './settle.ts';

const held = (steps: Record<string, number>): Map<string, number> => new Map(Object.entries(steps));

describe('settling a view', () => {
  it('restores when nobody holds anything, as the first member says', () => {
    expect(planSettle(held({ b: -1, a: -1 }), 0)).toEqual({ kind: 'restore', chooser: 'a' });
  });

  it('starts from the newest state, given by those that hold it', () => {
    expect(planSettle(held({ a: 9, b: 10, c: -1, d: 10 }), 10)).toEqual({
      kind: 'peers',
      step: 10,
      donors: ['b', 'd'],
    });
  });

  it('drops a state that the ledger does not know', () => {
    expect(planSettle(held({ a: 12, b: 10 }), 10)).toEqual({
      kind: 'peers',
      step: 10,
      donors: ['b'],
    });
    expect(planSettle(held({ a: 12, b: 11 }), 10)).toEqual({ kind: 'restore', chooser: 'a' });
  });

  it('does not depend on the order of the words', () => {
    expect(planSettle(held({ c: 3, a: 4, b: 4 }), 5)).toEqual(
      planSettle(held({ b: 4, c: 3, a: 4 }), 5),
    );
  });
});
