import { describe, expect, it } from 'vitest';
import { holdingValue, parseHolding, planSettle, type Holding } from './settle.ts';

const held = (values: Record<string, number | string>): Map<string, Holding> =>
  new Map(Object.entries(values).map(([member, value]) => [member, parseHolding(String(value))]));

describe('settling a view', () => {
  const nothing = { kind: 'newest', step: -1, donors: [], digest: '' };

  it('finds that nobody holds anything', () => {
    expect(planSettle(held({ b: -1, a: -1 }), 0)).toEqual(nothing);
  });

  it('starts from the newest state, given by those that hold it', () => {
    expect(planSettle(held({ a: 9, b: 10, c: -1, d: 10 }), 10)).toEqual({
      kind: 'newest',
      step: 10,
      donors: ['b', 'd'],
      digest: '',
    });
  });

  it('drops a state that the ledger does not know', () => {
    expect(planSettle(held({ a: 12, b: 10 }), 10)).toEqual({
      kind: 'newest',
      step: 10,
      donors: ['b'],
      digest: '',
    });
    expect(planSettle(held({ a: 12, b: 11 }), 10)).toEqual(nothing);
  });

  it('copies only from donors that hold the same, and says what that is', () => {
    expect(planSettle(held({ a: '10:x:4', b: '-1::-1', c: '10:x:10' }), 10)).toEqual({
      kind: 'newest',
      step: 10,
      donors: ['a', 'c'],
      digest: 'x',
    });
    expect(planSettle(held({ a: '10:x:8', b: '-1::-1', c: '10:y:4', d: '9:z:4' }), 10)).toEqual({
      kind: 'diverged',
      step: 10,
      digests: new Map([
        ['a', 'x'],
        ['c', 'y'],
      ]),
      agreedStep: 4,
    });
  });

  it('asks nobody who is ahead of the ledger what it holds', () => {
    expect(planSettle(held({ a: '12:x:4', b: '10:y:4' }), 10)).toMatchObject({
      kind: 'newest',
      donors: ['b'],
    });
  });

  it('reads the values that it writes', () => {
    const holding = { step: 3, digest: '0123456789abcdef', agreedStep: -1 };
    expect(parseHolding(holdingValue(holding))).toEqual(holding);
  });

  it('does not depend on the order of the values', () => {
    expect(planSettle(held({ c: 3, a: 4, b: 4 }), 5)).toEqual(
      planSettle(held({ b: 4, c: 3, a: 4 }), 5),
    );
  });
});
