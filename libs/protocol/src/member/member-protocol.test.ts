import type { StepSums, View } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import type { Answers, Ask, MemberEvent, Tell } from './member-events.ts';
import { MemberProtocol } from './member-protocol.ts';
import type { MemberRules } from './member-rules.ts';
import { newMemory } from './memory.ts';

const rules: MemberRules = {
  memberId: 'a',
  seed: 7,
  numSteps: 3,
  checkpointEverySteps: 2,
  evalEverySteps: 0,
  settleTimeoutMs: 1_000,
  stepTimeoutMs: 1_000,
};
const sums = {} as StepSums;
const digest = '0123456789abcdef';
const head = 'f'.repeat(40);

function viewOf(version: number, ...memberIds: string[]): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  return { runId: 'r', fencingEpoch: 1, version, fromStep: 0, members, mode: 'train', reason: 'x' };
}

const answers: Answers = {
  join: undefined,
  readEntry: undefined,
  digestState: digest,
  postWord: undefined,
  readWords: new Map([['a', 'init']]),
  findCheckpoint: undefined,
  fetchCheckpoint: undefined,
  snapshot: undefined,
  fetchState: undefined,
  load: undefined,
  initialize: undefined,
  readExamples: { from: { epoch: 0, index: 0 }, to: { epoch: 0, index: 8 }, numExamples: 8 },
  compute: undefined,
  reduce: { digest, sums, stateDigest: digest },
  vote: { kind: 'committed', head },
  apply: undefined,
  save: undefined,
  finishSaves: undefined,
  evaluate: undefined,
  wait: undefined,
};

/** A member whose asks are answered as in a quiet run, unless the test says otherwise. */
class Puppet {
  readonly memory = newMemory();
  readonly #protocol = new MemberProtocol(rules, this.memory);
  nowMs = 0;
  ask: Ask | undefined;
  readonly asked: string[] = [];
  readonly told: Tell[] = [];

  see(view: View): void {
    this.#follow({ kind: 'view', view });
  }

  /** Hears of something while it waits for an answer. */
  hear(event: Extract<MemberEvent, { kind: 'diverged' }>): void {
    const { ask } = this;
    this.#follow(event);
    this.ask = ask;
  }

  /** Answers the ask under way. */
  answer<K extends keyof Answers>(to: K, value: Answers[K] = answers[to]): void {
    expect(this.ask?.kind).toBe(to);
    this.#follow({ kind: 'answered', answer: { to, value } as never });
  }

  fail(code: 'QUEUE_UNREACHABLE' | 'COLLECTIVE_ABORTED' = 'COLLECTIVE_ABORTED'): void {
    this.#follow({ kind: 'failed', error: { code, message: code, details: {} } });
  }

  /** Answers until it asks for something of this kind. */
  until(kind: Ask['kind']): this {
    while (this.ask !== undefined && this.ask.kind !== kind) this.goOn();
    expect(this.ask?.kind).toBe(kind);
    return this;
  }

  /** Answers as in a run that begins, all members of which are there. */
  goOn(): void {
    const { ask, state } = this;
    if (ask?.kind === 'readWords' && ask.topic.startsWith('settle'))
      this.answer('readWords', new Map(state.view?.members.map((m) => [m.memberId, '-1'])));
    else if (ask !== undefined) this.answer(ask.kind);
  }

  get state() {
    const { view, asked } = this.#protocol;
    return { ...this.memory, view, isIdle: asked === undefined };
  }

  get complaint() {
    return this.told.findLast((tell) => tell.kind === 'status')?.complaint;
  }

  #follow(event: MemberEvent): void {
    const decision = this.#protocol.decide(this.nowMs, event);
    this.told.push(...decision.tells);
    if (event.kind !== 'view') this.ask = undefined;
    if (decision.ask === undefined) return;
    expect(this.ask, 'one ask at a time').toBeUndefined();
    this.ask = decision.ask;
    this.asked.push(decision.ask.kind);
  }
}

function memberIn(...memberIds: string[]): Puppet {
  const puppet = new Puppet();
  puppet.see(viewOf(1, ...memberIds));
  return puppet;
}

describe('a quiet run', () => {
  it('is the story of the protocol', () => {
    const puppet = memberIn('a');
    while (puppet.ask !== undefined) puppet.goOn();
    const step = ['readExamples', 'compute', 'reduce', 'vote', 'apply'];
    const settle = ['join', 'postWord', 'readWords', 'findCheckpoint', 'postWord', 'readWords'];
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

describe('healing', () => {
  const heldBy = (held: Record<string, number>): Answers['readWords'] =>
    new Map(Object.entries(held).map(([member, step]) => [member, String(step)]));

  /** In a second view, from step 1 on, whose members have said what they hold. */
  function settling(puppet: Puppet, held: Record<string, number>): Puppet {
    puppet.see({ ...viewOf(10, ...Object.keys(held)), fromStep: 1 });
    puppet.until('readWords').answer('readWords', heldBy(held));
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
    puppet.until('readWords').answer('readWords', heldBy({ a: -1 }));
    expect(puppet.ask).toEqual({ kind: 'findCheckpoint', maxStep: 1 });
  });
});

describe('voting', () => {
  it('goes on when Redis comes back, and while others have not voted', () => {
    const puppet = memberIn('a').until('vote');
    puppet.fail('QUEUE_UNREACHABLE');
    puppet.answer('wait');
    puppet.answer('vote', { kind: 'waiting', missing: [] });
    puppet.answer('wait');
    puppet.answer('vote');
    puppet.answer('apply');
    expect(puppet.state.appliedStep).toBe(1);
  });

  it('gives up when the time of the step is over', () => {
    for (const disturb of [
      (puppet: Puppet) => puppet.fail('QUEUE_UNREACHABLE'),
      (puppet: Puppet) => puppet.answer('vote', { kind: 'waiting', missing: [] }),
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
    puppet.answer('postWord');
    const word = `1:${digest}:0`;
    puppet.answer('readWords', new Map(['a', 'b', 'c'].map((member) => [member, word])));
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
    expect(puppet.told).toContainEqual({ kind: 'held', step: -1 });
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
    expect(puppet.ask).toMatchObject({ kind: 'postWord', word: '-1::-1' });
    expect(puppet.state.divergence).toBeUndefined();
  });

  it('are found when a view settles, before anyone copies', () => {
    const puppet = memberIn('a').until('apply');
    puppet.answer('apply');
    puppet.see({ ...viewOf(2, 'a', 'b', 'c', 'd'), fromStep: 1 });
    puppet.answer('readExamples');
    puppet.until('readWords').answer(
      'readWords',
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
    puppet.answer('vote', { kind: 'waiting', missing: [] });
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
    expect(puppet.ask).toMatchObject({ kind: 'postWord', word: `1:${digest}:0` });
  });

  it('is not applied if it was not, or with another result', () => {
    for (const found of [undefined, { ...(entry as object), gradientDigest: 'other' } as never]) {
      const puppet = cutShort();
      puppet.answer('readEntry', found);
      puppet.answer('digestState');
      expect(puppet.ask).toMatchObject({ kind: 'postWord', word: `0:${digest}:0` });
    }
  });

  it('is forgotten once its gradient has given way to another', () => {
    const puppet = cutShort();
    puppet.answer('readEntry', undefined);
    puppet.answer('digestState');
    puppet.answer('postWord');
    puppet.answer(
      'readWords',
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

describe('weights', () => {
  it("are nobody's when loading was cut short, and stay when it had not begun", () => {
    const puppet = memberIn('a').until('apply');
    puppet.see(viewOf(2, 'a', 'b'));
    puppet.answer('apply');
    puppet.answer('join');
    puppet.answer('digestState');
    puppet.answer('postWord');
    puppet.answer(
      'readWords',
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    );
    // The view says that only step 0 is committed, so both are ahead of the ledger.
    expect(puppet.ask?.kind).toBe('findCheckpoint');
    puppet.answer('findCheckpoint', 0);
    puppet.answer('postWord');
    puppet.answer('readWords', new Map([['a', '0']]));
    expect(puppet.ask?.kind).toBe('fetchCheckpoint');
    expect(puppet.state.appliedStep).toBe(1);
    puppet.answer('fetchCheckpoint');
    puppet.fail();
    expect(puppet.state.appliedStep).toBe(-1);
    expect(puppet.told).toContainEqual({ kind: 'held', step: -1 });
  });
});
