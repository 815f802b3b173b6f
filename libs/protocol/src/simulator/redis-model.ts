import { isOnLine, type Attempts } from '@berth/checkpoint';
import {
  genesisHead,
  stepFactsText,
  type CastVote,
  type LedgerEntry,
  type MemberInfo,
  type NewRunEvent,
  type RunRecord,
  type StepFacts,
  type StepSums,
  type View,
} from '@berth/contracts';
import {
  nextHead,
  type LeaseAnswer,
  type RunChange,
  type Verdict,
  type ViewDraft,
  type ViewId,
} from '../index.ts';
import { isNewerRecord } from '../lifecycle/is-newer-record.ts';
import type { Weights } from './toy-model.ts';

/** Ways to break Redis' part of the protocol, to prove that it is needed. */
export const redisSabotages = [
  'no-vote-fence',
  'no-compare',
  'no-clock-repair',
  'no-record-fence',
  /** A Redis that comes back older is not recognised: not by its life, nor by what was seen. */
  'no-older-watch',
] as const;
export type RedisSabotage = (typeof redisSabotages)[number];

export type RestoreResult =
  | { readonly kind: 'restored'; readonly numCommitted: number }
  | { readonly kind: 'stale'; readonly newest: number }
  | { readonly kind: 'diverged' };

/** What became of a change: somebody else may have made another before, or lead by now. */
export type Replaced = 'done' | 'changed' | { readonly newest: number };

interface KnownView {
  readonly view: View;
  divergence: Verdict | undefined;
}

interface Lease {
  readonly holder: string | undefined;
  readonly epoch: number;
  readonly expiresAtMs: number;
  readonly ttlMs: number;
  /** The life of Redis in which it was given. */
  readonly server: number;
  readonly serverEpoch: number;
}

/**
 * What berth's Lua scripts do to Redis, in TypeScript: redis-model.test.ts holds it against the real ones.
 * One run; times are the caller's.
 */
export class RedisModel {
  readonly runId: string;
  /** That the run has gone through, as in `running --> pausing`. */
  readonly statusChanges = new Set<string>();
  readonly #sabotage: RedisSabotage | undefined;
  /** Changes with each restart. */
  #server = 1;
  #lease: Lease | undefined;
  #view: KnownView | undefined;
  #votes = new Map<string, CastVote>();
  #ledger: LedgerEntry[] = [];
  #values = new Map<string, Map<string, string>>();
  #members = new Map<string, { info: MemberInfo; seenMs: number }>();
  #listedMs: number | undefined;
  /** Attempts that saved, by step. */
  #checkpoints = new Map<number, number>();
  /** Weights that were evaluated, by step. */
  #evaluations = new Map<number, Weights>();
  /** All that were ever told of, as the archive of the run's history has them. */
  readonly #archived = new Map<number, Weights>();
  /** Steps whose evaluation is in the archive alone. */
  readonly #onlyArchived = new Set<number>();
  #record: RunRecord | undefined;
  #hasRecord = false;
  #active: string | undefined;
  #events: NewRunEvent[] = [];

  constructor(runId: string, sabotage?: RedisSabotage) {
    this.runId = runId;
    this.#sabotage = sabotage;
  }

  /** FLUSHALL. */
  flush(): void {
    this.#lease = undefined;
    this.#view = undefined;
    this.#votes = new Map();
    this.#ledger = [];
    this.#values = new Map();
    this.#members = new Map();
    this.#listedMs = undefined;
    this.forgetNotes();
    this.#hasRecord = false;
    this.#active = undefined;
    this.#events = [];
  }

  /**
   * What a disk or a lagging replica holds now.
   * @returns what makes it all that Redis holds, in another life
   */
  snapshot(): () => void {
    const [lease, view, ledger, listedMs] = [this.#lease, this.#view, this.#ledger, this.#listedMs];
    const [record, hasRecord, active] = [this.#record, this.#hasRecord, this.#active];
    const copies = {
      view: view && { ...view },
      votes: new Map(this.#votes),
      ledger: [...ledger],
      values: new Map([...this.#values].map(([key, values]) => [key, new Map(values)])),
      members: new Map(this.#members),
      checkpoints: new Map(this.#checkpoints),
      evaluations: new Map(this.#evaluations),
      events: [...this.#events],
    };
    return () => {
      if (this.#sabotage !== 'no-older-watch') this.#server++;
      this.#lease = lease;
      this.#view = copies.view;
      this.#votes = copies.votes;
      this.#ledger = copies.ledger;
      this.#values = copies.values;
      this.#members = copies.members;
      this.#listedMs = listedMs;
      this.#checkpoints = copies.checkpoints;
      this.#evaluations = copies.evaluations;
      this.#events = copies.events;
      this.#record = record;
      this.#hasRecord = hasRecord;
      this.#active = active;
    };
  }

  acquireLease(
    nowMs: number,
    holderId: string,
    ttlMs: number,
    usedEpoch: number,
    holderNowMs: number,
  ): LeaseAnswer {
    const lease = this.#lease;
    const { holder, epoch = 0 } = lease ?? {};
    const expiresAtMs = Math.min(lease?.expiresAtMs ?? 0, nowMs + (lease?.ttlMs ?? ttlMs));
    if (lease !== undefined && holder !== undefined && holder !== holderId && expiresAtMs > nowMs) {
      this.#lease = { ...lease, expiresAtMs };
      return {
        held: false,
        fencingEpoch: epoch,
        holderId: holder,
        remainingMs: expiresAtMs - nowMs,
      };
    }
    const isSame = lease?.server === this.#server && epoch >= usedEpoch;
    const newest = Math.max(epoch, usedEpoch);
    const next = Math.max(Math.floor(nowMs), Math.floor(holderNowMs), newest + 1);
    const fencingEpoch = holder === holderId && isSame ? epoch : next;
    const serverEpoch = isSame && lease !== undefined ? lease.serverEpoch : fencingEpoch;
    const given = { holder: holderId, epoch: fencingEpoch, expiresAtMs: nowMs + ttlMs, ttlMs };
    this.#lease = { ...given, server: this.#server, serverEpoch };
    return { held: true, fencingEpoch, serverEpoch };
  }

  releaseLease(holderId: string): void {
    if (this.#lease?.holder === holderId) this.#lease = { ...this.#lease, holder: undefined };
  }

  /** @returns the view; or why not: the newest epoch known, or the version that is in force instead of `replaces` */
  publish(
    draft: ViewDraft,
    replaces: number,
    events: readonly NewRunEvent[] = [],
  ): View | { readonly newest: number } | { readonly inForce: number } {
    const known = this.#view?.view;
    const last = this.#ledger.at(-1);
    const newest = Math.max(this.#newestEpoch, last?.fencingEpoch ?? 0);
    if (draft.fencingEpoch !== this.leaseEpoch || draft.fencingEpoch < newest) return { newest };
    if (known !== undefined && known.version !== replaces) return { inForce: known.version };
    const version = Math.max(replaces, last?.viewVersion ?? 0) + 1;
    const members = draft.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const { runId } = this;
    const view = { ...draft, members, runId, version, fromStep: this.#ledger.length };
    this.#view = { view, divergence: undefined };
    this.#events.push(...events);
    this.#votes = new Map();
    return view;
  }

  get view(): View | undefined {
    return this.#view?.view;
  }

  vote(
    nowMs: number,
    { fencingEpoch, version }: ViewId,
    memberId: string,
    facts: StepFacts,
    sums: StepSums,
    stateDigest: string,
  ): Verdict {
    const current = this.#view?.view;
    const isCurrent =
      this.#sabotage === 'no-vote-fence' ||
      (current?.fencingEpoch === fencingEpoch && current.version === version);
    const stale: Verdict = {
      kind: 'stale',
      fencingEpoch: current?.fencingEpoch ?? 0,
      viewVersion: current?.version ?? 0,
    };
    const { step } = facts;
    const text = stepFactsText(facts);
    const entry = this.#ledger[step];
    if (entry !== undefined) {
      const isSame = this.#isSame(stepFactsText(entry), text);
      const isOurs = entry.fencingEpoch === fencingEpoch && entry.viewVersion === version;
      if (isSame && isOurs) return { kind: 'committed', head: entry.head };
      if (!isCurrent) return stale;
      if (isSame) return { kind: 'replayed', head: entry.head };
      const reason = `step ${step} is in the ledger as ${stepFactsText(entry)}, but here it is ${text}`;
      return { kind: 'contradicted', reason };
    }
    if (!isCurrent || this.#view === undefined || current === undefined) return stale;
    if (step > this.#ledger.length)
      return {
        kind: 'ahead',
        reason: `step ${step} cannot be voted on: only ${this.#ledger.length} steps are committed`,
      };
    if (this.#view.divergence !== undefined) return this.#view.divergence;
    const memberIds = current.members.map((member) => member.memberId);
    if (!memberIds.includes(memberId)) return stale;
    this.#votes.set(memberId, { memberId, facts: text, stateDigest });
    const missing = memberIds.filter((id) => !this.#votes.has(id));
    if (missing.length > 0) return { kind: 'waiting', missing };
    const votes = memberIds.flatMap((id) => this.#votes.get(id) ?? []);
    if (
      !votes.every((vote) => this.#isSame(vote.facts, text) && vote.stateDigest === stateDigest)
    ) {
      this.#view.divergence = { kind: 'diverged', votes };
      return this.#view.divergence;
    }
    const head = nextHead(this.head, facts);
    this.#ledger.push({
      ...facts,
      sums,
      fencingEpoch,
      viewVersion: version,
      members: memberIds,
      committedAtMs: nowMs,
      head,
    });
    this.#votes = new Map();
    return { kind: 'committed', head };
  }

  get head(): string {
    return this.#ledger.at(-1)?.head ?? genesisHead;
  }

  get ledger(): readonly LedgerEntry[] {
    return this.#ledger;
  }

  restore(entries: readonly LedgerEntry[], epoch: number): RestoreResult {
    const newest = Math.max(this.#newestEpoch, entries.at(-1)?.fencingEpoch ?? 0);
    if (epoch !== this.leaseEpoch || epoch < newest) return { kind: 'stale', newest };
    const known = Math.min(this.#ledger.length, entries.length);
    if (known > 0 && this.#ledger[known - 1]?.head !== entries[known - 1]?.head)
      return { kind: 'diverged' };
    for (const { step } of entries.slice(known)) this.#onlyArchived.add(step);
    this.#ledger.push(...entries.slice(known));
    if (entries.length > known) this.#votes = new Map();
    return { kind: 'restored', numCommitted: this.#ledger.length };
  }

  /** As the script does: entries newer than the view that the rewind was made at stay. */
  rewind(toStep: number, madeAt: ViewId, epoch: number): { readonly newest: number } | undefined {
    const newest = this.#newestEpoch;
    if (epoch !== this.leaseEpoch || epoch < newest) return { newest };
    const first = this.#ledger[toStep];
    const isNewer =
      first !== undefined &&
      (first.fencingEpoch > madeAt.fencingEpoch ||
        (first.fencingEpoch === madeAt.fencingEpoch && first.viewVersion > madeAt.version));
    if (first === undefined || isNewer) return undefined;
    this.#ledger = this.#ledger.slice(0, toStep);
    this.#votes = new Map();
    return undefined;
  }

  post(key: string, memberId: string, value: string): void {
    const values = this.#values.get(key) ?? new Map<string, string>();
    if (!values.has(memberId)) values.set(memberId, value);
    this.#values.set(key, values);
  }

  read(key: string): ReadonlyMap<string, string> {
    return new Map(this.#values.get(key));
  }

  heartbeat(nowMs: number, info: MemberInfo): void {
    this.#members.set(info.memberId, { info, seenMs: nowMs });
  }

  /** Members seen within the time to live, by id; the others are forgotten, unless it is Infinity. */
  list(nowMs: number, ttlMs: number): MemberInfo[] {
    if (ttlMs === Infinity) return this.#listed();
    const betweenMs = nowMs - (this.#listedMs ?? nowMs);
    this.#listedMs = nowMs;
    for (const [id, { info, seenMs }] of this.#members) {
      const isOfBefore = betweenMs > ttlMs / 2 && nowMs - seenMs > ttlMs / 2;
      if (this.#sabotage === 'no-clock-repair') {
        if (seenMs < nowMs - ttlMs) this.#members.delete(id);
        continue;
      }
      const seenNowMs = Math.min(nowMs, isOfBefore ? seenMs + betweenMs - ttlMs / 2 : seenMs);
      if (nowMs - seenNowMs > ttlMs) this.#members.delete(id);
      else this.#members.set(id, { info, seenMs: seenNowMs });
    }
    return this.#listed();
  }

  #listed(): MemberInfo[] {
    const live = [...this.#members.values()].map(({ info }) => info);
    return live.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  }

  leave(memberId: string): void {
    this.#members.delete(memberId);
  }

  noteCheckpoint(step: number, attempt: number): void {
    this.#checkpoints.set(step, attempt);
  }

  /** Forgets checkpoints that a later attempt has left behind. */
  forgetCheckpoints(attempts: Attempts): void {
    for (const [step, attempt] of this.#checkpoints)
      if (!isOnLine(attempts, { attempt, step })) this.#checkpoints.delete(step);
  }

  /** The newest step that a checkpoint is noted of; 0 without one. */
  get newestCheckpoint(): number {
    return Math.max(0, ...this.#checkpoints.keys());
  }

  hasCheckpoint(step: number): boolean {
    const attempt = this.#checkpoints.get(step);
    return attempt !== undefined && isOnLine(this.record.attempts, { attempt, step });
  }

  /** Forgets which checkpoints and evaluations there are. */
  forgetNotes(): void {
    this.#checkpoints = new Map();
    for (const step of this.#evaluations.keys()) this.#onlyArchived.add(step);
    this.#evaluations = new Map();
  }

  noteEvaluation(step: number, weights: Weights): void {
    this.#evaluations.set(step, weights);
    this.#archived.set(step, weights);
  }

  /** What was evaluated after a step, as the run's history tells it. */
  evaluation(step: number): Weights | undefined {
    const archived = this.#onlyArchived.has(step) ? this.#archived.get(step) : undefined;
    return this.#evaluations.get(step) ?? archived;
  }

  hasEvaluation(step: number): boolean {
    return this.#evaluations.has(step);
  }

  /** The run's record as it was last: who has read it knows it, also when Redis has lost it. */
  get record(): RunRecord {
    if (this.#record === undefined) throw new Error('No run was submitted');
    return this.#record;
  }

  get hasRecord(): boolean {
    return this.#hasRecord;
  }

  /** The newest one, by its number. */
  get attempt(): number {
    return this.record.attempts.at(-1)?.attempt ?? 1;
  }

  /** As somebody submits a run. */
  submit(record: RunRecord): void {
    this.#record = record;
    this.#hasRecord = true;
  }

  /** As somebody who is no coordinator changes it: whatever it says. */
  changeRecord(change: RunChange): void {
    const known = this.record;
    const { updatedAtMs, status } = { ...known, ...change };
    if (status !== known.status) this.statusChanges.add(`${known.status} --> ${status}`);
    this.#record = {
      ...known,
      ...change,
      updatedAtMs: Math.max(updatedAtMs, known.updatedAtMs + 1),
    };
  }

  /** As a coordinator changes it: only if it is what it has read, in the epoch of its lease. */
  updateRecord(known: RunRecord, change: RunChange, epoch: number): Replaced {
    if (!this.#hasRecord) return 'changed';
    if (this.#sabotage === 'no-record-fence') {
      if (known.status !== this.record.status) return 'changed';
    } else {
      if (epoch !== this.leaseEpoch) return { newest: this.leaseEpoch };
      if (known !== this.#record) return 'changed';
    }
    this.changeRecord(change);
    return 'done';
  }

  /** Puts a copy of the record in the place of none, or of an older one. */
  putBack(copy: RunRecord, { isOlder }: { readonly isOlder: boolean }): void {
    if (this.#hasRecord && !(isOlder && isNewerRecord(copy, this.record))) return;
    this.#record = copy;
    this.#hasRecord = true;
  }

  /** What was said of members, oldest first. */
  get events(): readonly NewRunEvent[] {
    return this.#events;
  }

  get active(): string | undefined {
    return this.#active;
  }

  setActive(runId: string | undefined, expected: string | undefined, epoch: number): Replaced {
    if (epoch !== this.leaseEpoch) return { newest: this.leaseEpoch };
    if (this.#active !== expected && this.#active !== runId) return 'changed';
    this.#active = runId;
    return 'done';
  }

  /** Epoch of the lease; 0 without one, and in another life of Redis than it was given in. */
  get leaseEpoch(): number {
    return this.#lease?.server === this.#server ? this.#lease.epoch : 0;
  }

  /** The epoch that was given last in what Redis holds, whatever life it is of. */
  get lastEpoch(): number {
    return this.#lease?.epoch ?? 0;
  }

  get #newestEpoch(): number {
    return Math.max(this.leaseEpoch, this.#view?.view.fencingEpoch ?? 0);
  }

  #isSame(facts: string, others: string): boolean {
    return this.#sabotage === 'no-compare' || facts === others;
  }
}
