import { describe, expect, it } from 'vitest';
import { memberIn, Puppet, viewOf } from '../testing/puppet.ts';

describe('a quiet run', () => {
  it('asks for what the protocol needs, in order', () => {
    const puppet = memberIn('a');
    while (puppet.ask !== undefined) puppet.goOn();
    const step = ['readExamples', 'compute', 'reduce', 'vote', 'apply'];
    const settle = ['join', 'postValue', 'readValues', 'findCheckpoint', 'postValue', 'readValues'];
    const end = ['save', 'evaluate', 'finishSaves'];
    expect(puppet.asked).toEqual(settle.concat('initialize', step, step, 'save', step, end));
    expect(puppet.state).toMatchObject({ appliedStep: 3, isIdle: true });
    expect(puppet.complaint).toBeNull();
  });
});

describe('a view older than the one it knows', () => {
  it('is ignored: what was said in it is taken for what is said now', () => {
    const older = { ...viewOf(4, 'a'), reason: 'older' };
    for (const known of [viewOf(5, 'a'), { ...viewOf(1, 'a'), fencingEpoch: 2 }]) {
      const puppet = new Puppet();
      puppet.see(known);
      puppet.until('compute').see(older);
      expect(puppet.state).toMatchObject({ view: known, newestView: known });
      puppet.see({ ...viewOf(1), fencingEpoch: 3 });
      puppet.answer('compute');
      puppet.see(older);
      expect(puppet.state).toMatchObject({ view: { fencingEpoch: 3 }, isIdle: true });
    }
  });
});

describe('a newer view', () => {
  it('ends the ask under way, and begins once that is answered', () => {
    const puppet = memberIn('a').until('reduce');
    puppet.see(viewOf(2, 'a'));
    expect(puppet.told.at(-1)).toMatchObject({ kind: 'abort' });
    puppet.fail();
    expect(puppet.ask).toMatchObject({ kind: 'join', view: { version: 2 } });
  });

  it('comes after a step whose commit was already heard of', () => {
    const puppet = memberIn('a').until('apply');
    puppet.see(viewOf(2, 'a'));
    puppet.answer('apply');
    expect(puppet.state.appliedStep).toBe(1);
    expect(puppet.ask).toMatchObject({ kind: 'join', view: { version: 2 } });
  });

  it('is begun only once', () => {
    const puppet = memberIn('a').until('compute');
    puppet.see(viewOf(1, 'a'));
    expect(puppet.told.some((tell) => tell.kind === 'abort')).toBe(false);
  });

  it('without us sends us home', () => {
    const puppet = memberIn('a').until('compute');
    puppet.see(viewOf(2, 'b'));
    puppet.fail();
    expect(puppet.ask).toBeUndefined();
    expect(puppet.told.at(-1)).toEqual({ kind: 'status', state: 'idle', complaint: null });
  });
});

describe('a member that leaves', () => {
  it('is in one more view, if somebody new may need its state', () => {
    const puppet = memberIn('a').until('compute');
    puppet.hear({ kind: 'leave' });
    puppet.see(viewOf(2, 'a', 'b'));
    puppet.fail();
    expect(puppet.ask).toMatchObject({ kind: 'join', view: { version: 2 } });
  });

  it('is in no other view of those who have that', () => {
    const puppet = memberIn('a', 'b').until('compute');
    puppet.hear({ kind: 'leave' });
    puppet.see(viewOf(2, 'a'));
    puppet.fail();
    expect(puppet.ask).toBeUndefined();
    expect(puppet.told.at(-1)).toMatchObject({ kind: 'status', state: 'draining' });
  });
});

describe('a lost peer', () => {
  const lost = { code: 'COLLECTIVE_PEER_LOST', message: 'b is gone', details: { memberId: 'b' } };

  function bereft(ask: 'reduce' | 'apply'): Puppet {
    const puppet = memberIn('a', 'b').until(ask);
    puppet.hear({ kind: 'peerLost', error: lost as never });
    expect(puppet.told.at(-1)).toEqual({ kind: 'abort', reason: 'b is gone' });
    return puppet;
  }

  it('is complained of, not what was ended early because of it', () => {
    const puppet = bereft('reduce');
    puppet.fail();
    expect(puppet.state.isIdle).toBe(true);
    expect(puppet.complaint).toMatchObject({ suspects: ['b'], error: lost });
  });

  it('ends the view once what was under way is learnt', () => {
    const puppet = bereft('apply');
    puppet.answer('apply');
    expect(puppet.ask).toBeUndefined();
    expect(puppet.complaint).toMatchObject({ step: 1, suspects: ['b'], error: lost });
  });
});
