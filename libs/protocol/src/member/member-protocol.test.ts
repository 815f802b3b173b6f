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
  /** Told to leave while it computes step 0, and asked to vote for it. */
  function leaving(...memberIds: string[]): Puppet {
    const puppet = memberIn(...memberIds).until('compute');
    puppet.hear({ kind: 'leave' });
    return puppet;
  }
  /** Answers who has said that it leaves, and with which step at the latest. */
  function hears(puppet: Puppet, said: Record<string, number>): void {
    const words = Object.entries(said).map(([member, step]) => [member, String(step)] as const);
    puppet.until('readValues').answer('readValues', new Map(words));
  }

  it('leaves the step to those that stay', () => {
    const puppet = leaving('a', 'b');
    puppet.until('postValue');
    expect(puppet.ask).toMatchObject({ key: 'leaving-1-1', value: '1' });
    puppet.until('apply').answer('apply');
    hears(puppet, { a: 1 });
    expect(puppet.state).toMatchObject({ appliedStep: 1, hasLeft: true });
    expect(puppet.told.at(-1)).toMatchObject({ kind: 'status', state: 'draining' });
  });

  it('saves it where nobody stays, whoever is gone or done before', () => {
    const puppet = leaving('a', 'b');
    puppet.until('apply').answer('apply');
    hears(puppet, { a: 1, b: 1 });
    puppet.until('finishSaves');
    puppet.hear({ kind: 'peerLost', error: { code: 'COLLECTIVE_PEER_LOST' } as never });
    puppet.see({ ...viewOf(2, 'a'), fromStep: 1 });
    expect(puppet.told.some((tell) => tell.kind === 'abort')).toBe(false);
    puppet.answer('finishSaves');
    expect(puppet.state).toMatchObject({ appliedStep: 1, hasLeft: true });
  });

  it('does one more step with one that was told to after it had voted', () => {
    const puppet = leaving('a', 'b');
    puppet.until('apply').answer('apply');
    hears(puppet, { a: 1, b: 2 });
    expect(puppet.until('apply').asked.filter((ask) => ask === 'save')).toEqual([]);
  });

  it('alone saves, again over an outage, and once only', () => {
    const puppet = leaving('a');
    puppet.until('finishSaves').fail('STORE_UNREACHABLE');
    puppet.until('wait').until('finishSaves').answer('finishSaves');
    expect(puppet.asked.filter((ask) => ask === 'save')).toHaveLength(2);
    expect(puppet.state.hasLeft).toBe(true);

    const saved = memberIn('a').until('save');
    saved.hear({ kind: 'leave' });
    saved.until('finishSaves').answer('finishSaves');
    expect(saved.asked.filter((ask) => ask === 'save')).toHaveLength(1);
    expect(saved.state).toMatchObject({ appliedStep: 2, hasLeft: true });
  });

  it('says what else keeps its last step from being saved, and leaves', () => {
    const puppet = leaving('a').until('finishSaves');
    puppet.fail('CHECKPOINT_EXISTS');
    expect(puppet.told).toContainEqual(expect.objectContaining({ kind: 'unsaved', step: 1 }));
    expect(puppet.state.hasLeft).toBe(true);
  });

  it('waits for the next view where its own has failed, to save what it holds', () => {
    const puppet = memberIn('a', 'b').until('apply');
    puppet.answer('apply');
    puppet.fail();
    puppet.hear({ kind: 'leave' });
    expect(puppet.state.hasLeft).toBe(false);
    expect(puppet.told.at(-2)).toMatchObject({ kind: 'status', state: 'idle' });
    puppet.see({ ...viewOf(2, 'a'), fromStep: 1 });
    puppet.until('readValues').answer('readValues', new Map([['a', '1::-1']]));
    puppet.answer('readEntry', { to: { epoch: 0, index: 8 } } as never);
    puppet.answer('save');
    puppet.answer('finishSaves');
    expect(puppet.state).toMatchObject({ appliedStep: 1, hasLeft: true });
  });

  it('has nothing to wait for that holds no step', () => {
    const puppet = memberIn('a', 'b').until('compute');
    puppet.fail();
    puppet.hear({ kind: 'leave' });
    expect(puppet.state.hasLeft).toBe(true);
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
