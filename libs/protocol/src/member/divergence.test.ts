import { describe, expect, it } from 'vitest';
import { oddMembers, oddOf, votesDiverged } from './divergence.ts';

const valuesOf = (values: Record<string, string>): Map<string, string> =>
  new Map(Object.entries(values));

describe('who is odd', () => {
  it.each([
    [{ a: '1', b: '1', c: '2' }, ['c']],
    [{ a: '1', b: '2', c: '3', d: '1', e: '1' }, ['b', 'c']],
    // Two against two, one against one, all against all: nobody knows.
    [{ a: '1', b: '1', c: '2', d: '2' }, []],
    [{ a: '1', b: '2' }, []],
    [{ a: '1', b: '2', c: '3' }, []],
    [{ a: '1' }, []],
  ] as const)('of %o is %j', (values, odd) => {
    expect(oddMembers(valuesOf(values))).toEqual(odd);
  });
});

describe('votes that differ', () => {
  const vote = (memberId: string, facts: string, stateDigest: string) => ({
    memberId,
    facts,
    stateDigest,
  });

  it('in states are a divergence of states, whatever the gradients are', () => {
    const error = votesDiverged(65, [
      vote('a', 'f', 's'),
      vote('b', 'f', 's'),
      vote('c', 'g', 't'),
    ]);
    expect(error).toMatchObject({ code: 'STATE_DIVERGED', details: { step: 65, slice: 1 } });
    expect(error.message).toContain('a, b: s; c: t');
    expect(oddOf(error)).toEqual(['c']);
  });

  it('in gradients alone cost an attempt', () => {
    const error = votesDiverged(3, [vote('a', 'f', 's'), vote('b', 'g', 's')]);
    expect(error).toMatchObject({
      code: 'COLLECTIVE_PROTOCOL',
      details: { divergence: 'gradient', step: 3 },
    });
    expect(error.message).toContain('a: f; b: g');
    expect(oddOf(error)).toEqual([]);
  });
});
