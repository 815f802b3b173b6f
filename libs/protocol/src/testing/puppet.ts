import type { Complaint, ErrorCode, StepSums, View } from '@berth/contracts';
import { expect } from 'vitest';
import type { Answers, Ask, MemberEvent, Tell } from '../member/member-events.ts';
import { MemberProtocol } from '../member/member-protocol.ts';
import type { MemberRules } from '../member/member-rules.ts';
import { newMemory, type Memory } from '../member/memory.ts';

const quietRules: MemberRules = {
  memberId: 'a',
  seed: 7,
  numSteps: 3,
  milestones: [],
  checkpointEverySteps: 2,
  checkpointEveryMs: 0,
  evalEverySteps: 0,
  settleTimeoutMs: 1_000,
  stepTimeoutMs: 1_000,
};
const sums = {} as StepSums;
/** Of whatever is digested in a quiet run. */
export const digest = '0123456789abcdef';
const head = 'f'.repeat(40);

export function viewOf(version: number, ...memberIds: string[]): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  return { runId: 'r', fencingEpoch: 1, version, fromStep: 0, members, mode: 'train', reason: 'x' };
}

const answers: Answers = {
  join: undefined,
  readEntry: undefined,
  digestState: digest,
  postValue: undefined,
  readValues: new Map([['a', 'init']]),
  findCheckpoint: undefined,
  fetchCheckpoint: undefined,
  snapshot: undefined,
  fetchState: undefined,
  load: undefined,
  initialize: undefined,
  readExamples: { from: { epoch: 0, index: 0 }, to: { epoch: 0, index: 8 }, numExamples: 8 },
  compute: undefined,
  reduce: { digest, sums, stateDigest: digest },
  vote: { kind: 'committed', head, committedAtMs: 1, beforeAtMs: 0 },
  apply: undefined,
  save: undefined,
  finishSaves: undefined,
  evaluate: undefined,
  wait: undefined,
};

/** A member whose asks are answered as in a quiet run, unless the test says otherwise. */
export class Puppet {
  readonly memory = newMemory();
  readonly #rules = { ...quietRules };
  readonly #protocol = new MemberProtocol(this.#rules, this.memory);
  nowMs = 0;
  ask: Ask | undefined;
  readonly asked: string[] = [];
  readonly told: Tell[] = [];

  set rules(change: Partial<MemberRules>) {
    Object.assign(this.#rules, change);
  }

  see(view: View): void {
    this.#follow({ kind: 'view', view });
  }

  /** Hears of something while it waits for an answer. */
  hear(event: Extract<MemberEvent, { kind: 'diverged' | 'peerLost' | 'leave' }>): void {
    const { ask } = this;
    this.#follow(event);
    this.ask = ask;
  }

  /** Answers the ask under way. */
  answer<K extends keyof Answers>(to: K, value: Answers[K] = answers[to]): void {
    expect(this.ask?.kind).toBe(to);
    this.#follow({ kind: 'answered', answer: { to, value } as never });
  }

  fail(code: ErrorCode = 'COLLECTIVE_ABORTED'): void {
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
    if (ask?.kind === 'readValues' && ask.key.startsWith('settle'))
      this.answer('readValues', new Map(state.view?.members.map((m) => [m.memberId, '-1'])));
    else if (ask !== undefined) this.answer(ask.kind);
  }

  get state(): Memory & {
    readonly view: View | undefined;
    readonly isIdle: boolean;
    readonly hasLeft: boolean;
  } {
    const { view, asked, hasLeft } = this.#protocol;
    return { ...this.memory, view, isIdle: asked === undefined, hasLeft };
  }

  /** Of its status that it told last. */
  get complaint(): Complaint | null | undefined {
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

/** Member a, in its first view. */
export function memberIn(...memberIds: string[]): Puppet {
  const puppet = new Puppet();
  puppet.see(viewOf(1, ...memberIds));
  return puppet;
}
