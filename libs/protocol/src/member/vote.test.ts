import { describe, expect, it } from 'vitest';
import { digest, memberIn, type Puppet, viewOf } from '../testing/puppet.ts';

describe('voting', () => {
  it('goes on when Redis comes back, and while others have not voted', () => {
    const puppet = memberIn('a').until('vote');
    puppet.fail('QUEUE_UNREACHABLE');
    puppet.answer('wait');
    puppet.answer('vote', { kind: 'waiting' });
    puppet.answer('wait');
    puppet.answer('vote');
    puppet.answer('apply');
    expect(puppet.state.appliedStep).toBe(1);
  });

  it('gives up when the time of the step is over', () => {
    for (const disturb of [
      (puppet: Puppet) => puppet.fail('QUEUE_UNREACHABLE'),
      (puppet: Puppet) => puppet.answer('vote', { kind: 'waiting' }),
    ]) {
      const puppet = memberIn('a').until('vote');
      puppet.nowMs = 1_001;
      disturb(puppet);
      expect(puppet.state.isIdle).toBe(true);
      expect(puppet.complaint).not.toBeNull();
    }
  });

  it.each([
    [{ kind: 'stale', fencingEpoch: 1, viewVersion: 9 }, 'WORKER_FENCED'],
    [{ kind: 'ahead', reason: 'only 3 steps are committed' }, 'LEDGER_BEHIND'],
  ] as const)('fails on %o with %s', (verdict, code) => {
    const puppet = memberIn('a').until('vote');
    puppet.answer('vote', verdict);
    expect(puppet.complaint).toMatchObject({ viewVersion: 1, error: { code } });
    expect(puppet.state.appliedStep).toBe(0);
  });
});

describe('a step cut short after the vote', () => {
  const entry = { step: 0, gradientDigest: digest, to: { epoch: 0, index: 8 } } as never;

  function cutShort(): Puppet {
    const puppet = memberIn('a', 'b').until('vote');
    puppet.see(viewOf(2, 'a', 'b'));
    puppet.fail('QUEUE_UNREACHABLE');
    puppet.answer('join');
    return puppet;
  }

  it('is applied if it was committed', () => {
    const puppet = cutShort();
    puppet.answer('readEntry', entry);
    puppet.answer('apply');
    puppet.answer('digestState');
    expect(puppet.ask).toMatchObject({ kind: 'postValue', value: `1:${digest}:0` });
  });

  it('is not applied if it was not, or with another result', () => {
    for (const found of [undefined, { ...(entry as object), gradientDigest: 'other' } as never]) {
      const puppet = cutShort();
      puppet.answer('readEntry', found);
      puppet.answer('digestState');
      expect(puppet.ask).toMatchObject({ kind: 'postValue', value: `0:${digest}:0` });
    }
  });

  it('is forgotten once its gradient has given way to another', () => {
    const puppet = cutShort();
    puppet.answer('readEntry', undefined);
    puppet.answer('digestState');
    puppet.answer('postValue');
    puppet.answer(
      'readValues',
      new Map([
        ['a', '0'],
        ['b', '0'],
      ]),
    );
    puppet.answer('readExamples');
    expect(puppet.ask?.kind).toBe('compute');
    puppet.see(viewOf(3, 'a', 'b'));
    puppet.fail();
    puppet.answer('join');
    expect(puppet.ask?.kind).toBe('digestState');
  });
});
