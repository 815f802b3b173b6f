import { describe, expect, it } from 'vitest';
import { decideSight, type SightState } from './decide-sight.ts';

const [a, b] = ['a', 'b'].map((memberId) => ({ memberId, hostname: `host-${memberId}` }));
const problem = '/corpus does not exist';

function stateOf(
  state: Partial<SightState> & {
    readonly unseeing?: readonly string[];
    readonly changed?: readonly string[];
  },
): SightState {
  const { unseeing = [], changed = [], ...others } = state;
  return {
    workers: [a!, b!],
    blind: new Map(
      [...unseeing, ...changed].map((memberId) => {
        const isChanged = changed.includes(memberId);
        return [memberId, { problem: isChanged ? 'a copy' : problem, isChanged }];
      }),
    ),
    isListed: false,
    readsFiles: true,
    keepsText: false,
    allBlindForMs: 0,
    numListedAgain: 0,
    ...others,
  };
}

describe('who sees a corpus', () => {
  it('is not asked of those who have not looked, or have gone', () => {
    expect(decideSight(stateOf({})).kind).toBe('goOn');
    expect(decideSight(stateOf({ unseeing: ['gone'] })).kind).toBe('goOn');
    expect(decideSight(stateOf({ workers: [], unseeing: ['a'] })).kind).toBe('goOn');
  });

  it('fails the run where all have looked and nobody ever has, and says where', () => {
    const decision = decideSight(stateOf({ unseeing: ['a', 'b'] }));
    expect(decision).toMatchObject({
      kind: 'fail',
      reason: '/corpus does not exist (looked for on host-a, host-b)',
    });
    expect(decideSight(stateOf({ unseeing: ['a'] })).kind).toBe('goOn');
  });

  it('has the text stored once where some do and some do not', () => {
    const some = { isListed: true, unseeing: ['b'] };
    expect(decideSight(stateOf(some)).kind).toBe('keepText');
    expect(decideSight(stateOf({ ...some, keepsText: true })).kind).toBe('goOn');
    expect(decideSight(stateOf({ ...some, readsFiles: false })).kind).toBe('goOn');
  });

  it('waits a minute for one that sees it where all of those are gone', () => {
    const none = { isListed: true, workers: [b!], unseeing: ['b'] };
    expect(decideSight(stateOf({ ...none, allBlindForMs: 59_000 }))).toMatchObject({
      kind: 'goOn',
      reason:
        'no worker is left that sees the corpus (looked for on host-b): /corpus does not exist',
    });
    expect(decideSight(stateOf({ ...none, allBlindForMs: 60_000 }))).toMatchObject({
      kind: 'fail',
      code: 'DATA_CORPUS_NOT_FOUND',
      reason: '/corpus does not exist (looked for on host-b)',
    });
  });

  it('has it listed again where nobody who is left sees it as it was listed, but not for ever', () => {
    const copies = { isListed: true, unseeing: ['a'], changed: ['b'] };
    expect(decideSight(stateOf({ ...copies, unseeing: [] })).kind).toBe('keepText');
    expect(decideSight(stateOf(copies))).toMatchObject({
      kind: 'listAgain',
      reason: 'listing the corpus again: a copy',
    });
    expect(decideSight(stateOf({ ...copies, isListed: false })).kind).toBe('goOn');
    expect(decideSight(stateOf({ ...copies, numListedAgain: 8 }))).toMatchObject({
      kind: 'fail',
      code: 'DATA_CORPUS_CHANGED',
    });
  });
});
