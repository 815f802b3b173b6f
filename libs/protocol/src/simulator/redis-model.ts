import {
  enginesOf,
  genesisHead,
  plainEngine,
  stepFactsText,
  type CastVote,
  type LedgerEntry,
  type NewRunEvent,
  type RunRecord,
  type StepFacts,
  type StepSums,
  type View,
} from '@berth/contracts';
import { nextHead, type Verdict, type ViewDraft, type ViewId } from '../index.ts';
import { RedisLease } from './redis-lease.ts';
import { RedisMembers } from './redis-members.ts';
import { RedisNotes } from './redis-notes.ts';
import { RedisRuns } from './redis-runs.ts';

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

interface KnownView {
  readonly view: View;
  divergence: Verdict | undefined;
}

/**
 * What berth's Lua scripts do to Redis, in TypeScript: redis-model.test.ts holds it against the real ones.
 * One run; times are the caller's.
 */
export class RedisModel {
  readonly runId: string;
  readonly lease = new RedisLease();
  readonly members: RedisMembers;
  readonly notes = new RedisNotes();
  readonly runs: RedisRuns;
  readonly #sabotage: RedisSabotage | undefined;
  #view: KnownView | undefined;
  #votes = new Map<string, CastVote>();
  #ledger: LedgerEntry[] = [];
  #values = new Map<string, Map<string, string>>();
  #events: NewRunEvent[] = [];

  constructor(runId: string, sabotage?: RedisSabotage) {
    this.runId = runId;
    this.#sabotage = sabotage;
    this.members = new RedisMembers({ followsClock: sabotage === 'no-clock-repair' });
    this.runs = new RedisRuns(this.lease, { isUnfenced: sabotage === 'no-record-fence' });
  }

  /** FLUSHALL. */
  flush(): void {
    for (const part of this.#parts) part.flush();
    this.#view = undefined;
    this.#votes = new Map();
    this.#ledger = [];
    this.#values = new Map();
    this.#events = [];
  }

  /**
   * What a disk or a lagging replica holds now.
   * @returns what makes it all that Redis holds, in another life
   */
  snapshot(): () => void {
    const parts = this.#parts.map((part) => part.snapshot());
    const view = this.#view && { ...this.#view };
    const votes = new Map(this.#votes);
    const ledger = [...this.#ledger];
    const values = new Map([...this.#values].map(([key, posted]) => [key, new Map(posted)]));
    const events = [...this.#events];
    return () => {
      if (this.#sabotage !== 'no-older-watch') this.lease.restart();
      for (const putBack of parts) putBack();
      this.#view = view;
      this.#votes = votes;
      this.#ledger = ledger;
      this.#values = values;
      this.#events = events;
    };
  }

  get #parts(): readonly (RedisLease | RedisMembers | RedisNotes | RedisRuns)[] {
    return [this.lease, this.members, this.notes, this.runs];
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
    if (draft.fencingEpoch !== this.lease.epoch || draft.fencingEpoch < newest) return { newest };
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
      const before = this.#ledger[step - 1];
      const { head, committedAtMs } = entry;
      const times = { committedAtMs, beforeAtMs: before?.committedAtMs ?? 0 };
      if (isSame && isOurs) return { kind: 'committed', head, ...times };
      if (!isCurrent) return stale;
      if (isSame) return { kind: 'replayed', head, ...times };
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
    if (memberIds.some((id) => !this.#votes.has(id))) return { kind: 'waiting' };
    const votes = memberIds.flatMap((id) => this.#votes.get(id) ?? []);
    if (
      !votes.every((vote) => this.#isSame(vote.facts, text) && vote.stateDigest === stateDigest)
    ) {
      this.#view.divergence = { kind: 'diverged', votes };
      return this.#view.divergence;
    }
    const head = nextHead(this.head, facts);
    const beforeAtMs = this.#ledger.at(-1)?.committedAtMs ?? 0;
    const engines = enginesOf(current.members);
    const isPlain = engines.every((engine) => engine === plainEngine);
    this.#ledger.push({
      ...facts,
      sums,
      fencingEpoch,
      viewVersion: version,
      members: memberIds,
      ...(!isPlain && { engines: [...engines] }),
      committedAtMs: nowMs,
      head,
    });
    this.#votes = new Map();
    return { kind: 'committed', head, committedAtMs: nowMs, beforeAtMs };
  }

  get head(): string {
    return this.#ledger.at(-1)?.head ?? genesisHead;
  }

  get ledger(): readonly LedgerEntry[] {
    return this.#ledger;
  }

  restore(entries: readonly LedgerEntry[], epoch: number): RestoreResult {
    const newest = Math.max(this.#newestEpoch, entries.at(-1)?.fencingEpoch ?? 0);
    if (epoch !== this.lease.epoch || epoch < newest) return { kind: 'stale', newest };
    const known = Math.min(this.#ledger.length, entries.length);
    if (known > 0 && this.#ledger[known - 1]?.head !== entries[known - 1]?.head)
      return { kind: 'diverged' };
    this.notes.archivedOnly(entries.slice(known).map(({ step }) => step));
    this.#ledger.push(...entries.slice(known));
    if (entries.length > known) this.#votes = new Map();
    return { kind: 'restored', numCommitted: this.#ledger.length };
  }

  /** As the script does: entries newer than the view that the rewind was made at stay. */
  rewind(toStep: number, madeAt: ViewId, epoch: number): { readonly newest: number } | undefined {
    const newest = this.#newestEpoch;
    if (epoch !== this.lease.epoch || epoch < newest) return { newest };
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

  /** The run's record as it was last. */
  get record(): RunRecord {
    return this.runs.record;
  }

  /** The newest one, by its number. */
  get attempt(): number {
    return this.record.attempts.at(-1)?.attempt ?? 1;
  }

  /** What was said of members, oldest first. */
  get events(): readonly NewRunEvent[] {
    return this.#events;
  }

  get #newestEpoch(): number {
    return Math.max(this.lease.epoch, this.#view?.view.fencingEpoch ?? 0);
  }

  #isSame(facts: string, others: string): boolean {
    return this.#sabotage === 'no-compare' || facts === others;
  }
}
