import { describe, expect, it } from 'vitest';
import { digest, memberIn, type Puppet, viewOf } from '../testing/puppet.ts';

describe('states that differ', () => {
  const votes = (states: Record<string, string>) =>
    Object.entries(states).map(([memberId, stateDigest]) => ({
      memberId,
      facts: 'f',
      stateDigest,
    }));

  /** Settled with the others at step 1, where it has just voted. */
  function voter(): Puppet {
    const puppet = memberIn('a', 'b', 'c').until('apply');
    puppet.answer('apply');
    puppet.see({ ...viewOf(2, 'a', 'b', 'c'), fromStep: 1 });
    puppet.answer('readExamples');
    puppet.answer('join');
    puppet.answer('digestState');
    puppet.answer('postValue');
    const value = `1:${digest}:0`;
    puppet.answer('readValues', new Map(['a', 'b', 'c'].map((member) => [member, value])));
    puppet.answer('readEntry', { to: { epoch: 0, index: 8 } } as never);
    return puppet.until('vote');
  }

  it('in which we are odd are given up, when nothing was made of them', () => {
    const puppet = voter();
    puppet.answer('vote', { kind: 'diverged', votes: votes({ a: 'x', b: 'y', c: 'y' }) });
    expect(puppet.state).toMatchObject({ appliedStep: -1, divergence: undefined });
    expect(puppet.complaint).toMatchObject({
      step: 1,
      error: { code: 'STATE_DIVERGED', details: { odd: 'a', agreedStep: 1, slice: 1 } },
    });
    expect(puppet.told).toContainEqual({ kind: 'appliedStep', step: -1 });
  });

  it('in which another is odd stay', () => {
    const puppet = voter();
    puppet.answer('vote', { kind: 'diverged', votes: votes({ a: 'y', b: 'x', c: 'y' }) });
    expect(puppet.state).toMatchObject({ appliedStep: 1, divergence: undefined });
  });

  it('without a majority are given up by all', () => {
    const puppet = voter();
    puppet.answer('vote', { kind: 'diverged', votes: votes({ a: 'x', b: 'y' }) });
    expect(puppet.state.appliedStep).toBe(-1);
  });

  /** Has heard of a damaged state one step after all agreed. */
  function witness(): Puppet {
    const puppet = voter();
    puppet.answer('vote');
    puppet.answer('apply');
    puppet.answer('save');
    puppet.until('vote').answer('vote', {
      kind: 'diverged',
      votes: votes({ a: 'y', b: 'x', c: 'y' }),
    });
    return puppet;
  }

  it('of which steps were made are not forgotten, and nothing is done with them', () => {
    const puppet = witness();
    const error = { code: 'STATE_DIVERGED', details: { odd: 'b', agreedStep: 1 } };
    expect(puppet.complaint).toMatchObject({ error });
    puppet.see({ ...viewOf(3, 'a', 'c'), fromStep: 2 });
    puppet.answer('join');
    expect(puppet.ask).toBeUndefined();
    expect(puppet.complaint).toMatchObject({ viewVersion: 3, error });
  });

  it('of which steps were made are worthless once the ledger has been cut', () => {
    const puppet = witness();
    puppet.see({ ...viewOf(3, 'a', 'c'), fromStep: 1 });
    puppet.answer('join');
    expect(puppet.ask).toMatchObject({ kind: 'postValue', value: '-1::-1' });
    expect(puppet.state.divergence).toBeUndefined();
  });

  it('are found when a view settles, before anyone copies', () => {
    const puppet = memberIn('a').until('apply');
    puppet.answer('apply');
    puppet.see({ ...viewOf(2, 'a', 'b', 'c', 'd'), fromStep: 1 });
    puppet.answer('readExamples');
    puppet.until('readValues').answer(
      'readValues',
      new Map([
        ['a', '1:x:0'],
        ['b', '1:y:1'],
        ['c', '1:x:1'],
        ['d', '-1::-1'],
      ]),
    );
    expect(puppet.complaint).toMatchObject({
      error: { code: 'STATE_DIVERGED', details: { odd: 'b', agreedStep: 0 } },
    });
  });

  it('are found by what the leader saves, in the view that it is saved in', () => {
    const puppet = voter();
    const error = { code: 'STATE_DIVERGED', message: 'x', details: { odd: 'b' } } as const;
    puppet.hear({ kind: 'diverged', view: viewOf(1, 'a'), error });
    expect(puppet.told.at(-1)?.kind).not.toBe('abort');
    puppet.hear({ kind: 'diverged', view: viewOf(2, 'a'), error });
    expect(puppet.told.at(-1)).toMatchObject({ kind: 'abort' });
    puppet.answer('vote', { kind: 'waiting' });
    expect(puppet.complaint).toMatchObject({ error: { details: { odd: 'b', agreedStep: 1 } } });
  });

  it('from what the ledger says are given up', () => {
    const puppet = voter();
    puppet.answer('vote', { kind: 'contradicted', reason: 'other facts stand' });
    expect(puppet.state.appliedStep).toBe(-1);
    expect(puppet.complaint).toMatchObject({
      error: { code: 'COLLECTIVE_PROTOCOL', details: { divergence: 'ledger', step: 1 } },
    });
  });
});
