import { describe, expect, it } from 'vitest';
import type { Answers } from './member-events.ts';
import { memberIn, Puppet, viewOf } from '../testing/puppet.ts';

describe('healing', () => {
  const heldBy = (held: Record<string, number>): Answers['readValues'] =>
    new Map(Object.entries(held).map(([member, step]) => [member, String(step)]));

  /** In a second view, from step 1 on, whose members have said what they hold. */
  function settling(puppet: Puppet, held: Record<string, number>): Puppet {
    puppet.see({ ...viewOf(10, ...Object.keys(held)), fromStep: 1 });
    puppet.until('readValues').answer('readValues', heldBy(held));
    return puppet;
  }

  /** Has done one step. */
  function donor(): Puppet {
    const puppet = memberIn('a').until('apply');
    puppet.answer('apply');
    puppet.see(viewOf(9));
    puppet.answer('readExamples');
    expect(puppet.state).toMatchObject({ appliedStep: 1, isIdle: true });
    return puppet;
  }

  it('puts a copy aside, once, and trains on', () => {
    const puppet = settling(donor(), { a: 1, b: -1, c: 0 });
    expect(puppet.ask).toMatchObject({ kind: 'snapshot', step: 1, view: { version: 10 } });
    puppet.answer('snapshot');
    expect(puppet.ask).toMatchObject({ kind: 'readEntry', step: 0 });
  });

  it('does one step with who copies from it before it leaves', () => {
    const puppet = settling(donor(), { a: 1, b: -1 });
    puppet.hear({ kind: 'leave' });
    puppet.until('readEntry').answer('readEntry', { to: { epoch: 0, index: 8 } } as never);
    puppet.until('apply').answer('apply');
    puppet.until('readValues').answer('readValues', new Map([['a', '2']]));
    expect(puppet.state).toMatchObject({ appliedStep: 2, hasLeft: true });
  });

  it('puts nothing aside when all hold the step', () => {
    expect(settling(donor(), { a: 1, b: 1 }).ask?.kind).toBe('readEntry');
  });

  it('copies from all who hold the step', () => {
    const puppet = settling(new Puppet(), { a: -1, b: 1, c: 0, d: 1 });
    const donors = [{ memberId: 'b' }, { memberId: 'd' }];
    expect(puppet.ask).toMatchObject({
      kind: 'fetchState',
      step: 1,
      view: { version: 10 },
      donors,
    });
    puppet.answer('fetchState');
    puppet.answer('load');
    expect(puppet.state.appliedStep).toBe(1);
  });

  it('falls back to a checkpoint when no donor is left', () => {
    const puppet = settling(new Puppet(), { a: -1, b: 1 });
    puppet.fail();
    expect(puppet.state).toMatchObject({ appliedStep: -1, isIdle: true });
    expect(puppet.complaint).not.toBeNull();
    puppet.see({ ...viewOf(11, 'a'), fromStep: 1 });
    puppet.until('readValues').answer('readValues', heldBy({ a: -1 }));
    expect(puppet.ask).toEqual({ kind: 'findCheckpoint', minStep: 0, maxStep: 1 });
  });
});

describe('a step that the ledger has and nobody holds any more', () => {
  /** Whoever holds step 1 settles when 9 are committed, and hears of the newest checkpoint. */
  function hearing(checkpoint: number | undefined): Puppet {
    const puppet = memberIn('a').until('apply');
    puppet.answer('apply');
    puppet.see({ ...viewOf(2, 'a'), fromStep: 9 });
    puppet.until('readValues').answer('readValues', new Map([['a', '1']]));
    expect(puppet.ask).toEqual({ kind: 'findCheckpoint', minStep: 2, maxStep: 9 });
    puppet.answer('findCheckpoint', checkpoint);
    const value = checkpoint === undefined ? 'init' : String(checkpoint);
    expect(puppet.ask).toMatchObject({ kind: 'postValue', value });
    puppet.answer('postValue');
    puppet.answer('readValues', new Map([['a', value]]));
    return puppet;
  }

  it('is not made again where a checkpoint was stored late', () => {
    const puppet = hearing(8);
    expect(puppet.ask).toEqual({ kind: 'fetchCheckpoint', step: 8 });
    puppet.answer('fetchCheckpoint');
    puppet.answer('load');
    expect(puppet.state.appliedStep).toBe(8);
  });

  it('is made again from what somebody holds where there is none', () => {
    const puppet = hearing(undefined);
    expect(puppet.ask).toEqual({ kind: 'readEntry', step: 0 });
    expect(puppet.state.appliedStep).toBe(1);
  });
});

describe('weights', () => {
  it("are nobody's when loading was cut short, and stay when it had not begun", () => {
    const puppet = memberIn('a').until('apply');
    puppet.see(viewOf(2, 'a', 'b'));
    puppet.answer('apply');
    puppet.answer('join');
    puppet.answer('digestState');
    puppet.answer('postValue');
    puppet.answer(
      'readValues',
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    // The view says that only step 0 is committed, so both are ahead of the ledger.
    expect(puppet.ask?.kind).toBe('findCheckpoint');
    puppet.answer('findCheckpoint', 0);
    puppet.answer('postValue');
    puppet.answer('readValues', new Map([['a', '0']]));
    expect(puppet.ask?.kind).toBe('fetchCheckpoint');
    expect(puppet.state.appliedStep).toBe(1);
    puppet.answer('fetchCheckpoint');
    puppet.fail();
    expect(puppet.state.appliedStep).toBe(-1);
    expect(puppet.told).toContainEqual({ kind: 'appliedStep', step: -1 });
  });
});
