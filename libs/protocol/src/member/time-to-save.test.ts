import { describe, expect, it } from 'vitest';
import { memberIn, Puppet, viewOf } from '../testing/puppet.ts';
import { isTimeToSave } from './follow-view.ts';

const head = 'f'.repeat(40);

it('saves on demand before the first step of a view, and goes on at once', () => {
  const puppet = new Puppet();
  puppet.see({ ...viewOf(1, 'a', 'b'), savesFirst: true });
  puppet.until('save').answer('save');
  expect(puppet.ask?.kind).toBe('readExamples');
  puppet.until('apply').answer('apply');
  expect(puppet.ask?.kind).toBe('readExamples');
});

describe('saving by time', () => {
  it.each([
    [0, 1, 1_000_000, false],
    [1_000, 0, 5_000, false],
    [1_000, 1_100, 1_900, false],
    [1_000, 1_900, 2_000, true],
    [1_000, 1_900, 9_000, true],
    // A clock that was set back.
    [1_000, 9_000, 1_000, false],
  ])('every %i ms: of steps at %i and %i the second is saved: %s', (every, before, at, isDue) => {
    const rules = { checkpointEveryMs: every };
    expect(isTimeToSave(rules, { beforeAtMs: before, committedAtMs: at })).toBe(isDue);
  });

  it('goes by the times that the ledger tells, between steps that are due anyway', () => {
    const asked = (beforeAtMs: number, committedAtMs: number): boolean => {
      const puppet = memberIn('a', 'b');
      puppet.rules = { checkpointEveryMs: 1_000 };
      puppet.until('vote').answer('vote', { kind: 'committed', head, beforeAtMs, committedAtMs });
      puppet.answer('apply');
      return puppet.ask?.kind === 'save';
    };
    expect([asked(1_100, 1_900), asked(1_900, 2_100)]).toEqual([false, true]);
  });
});
