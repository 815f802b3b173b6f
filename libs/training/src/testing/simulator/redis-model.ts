import {
  genesisHead,
  stepFactsText,
  type CastVote,
  type LedgerEntry,
  type MemberInfo,
  type StepFacts,
  type StepSums,
  type View,
} from '@berth/contracts';
import {
  nextHead,
  type LeaseAnswer,
  type ViewDraft,
  type ViewId,
  type VoteResult,
} from '@berth/queue';

/** Ways to break Redis' part of the protocol, to prove that it is needed. */
export type RedisSabotage = 'no-vote-fence' | 'no-compare';

export type RestoreResult =
  | { readonly kind: 'restored'; readonly numCommitted: number }
  | { readonly kind: 'stale'; readonly newest: number }
  | { readonly kind: 'diverged' };

/** What was asked of the run and is not done yet. */
export interface SimRequests {
  readonly checkpoint: boolean;
  readonly kill: boolean;
  readonly cut: { readonly toStep: number; readonly askedAtMs: number } | undefined;
}

export const noSimRequests: SimRequests = { checkpoint: false, kill: false, cut: undefined };

interface KnownView {
  readonly view: View;
  divergence: VoteResult | undefined;
}

interface Lease {
  readonly holder: string | undefined;
  readonly epoch: number;
  readonly expiresAtMs: number;
}

/**
 * What berth's Lua scripts do to Redis, in TypeScript: redis-model.test.ts holds it against the real ones.
 * One run; times are the caller's.
 */
export class RedisModel {
  readonly runId: string;
  readonly #sabotage: RedisSabotage | undefined;
  #lease: Lease | undefined;
  #view: KnownView | undefined;
  #votes = new Map<string, CastVote>();
  #ledger: LedgerEntry[] = [];
  #words = new Map<string, Map<string, string>>();
  #members = new Map<string, { info: MemberInfo; seenMs: number }>();
  #checkpoints = new Set<number>();
  #evaluations = new Set<number>();
  /** The run's status; undefined when there is no record. */
  status: string | undefined;
  requests: SimRequests = noSimRequests;
  /** Grows with each resume. */
  attempt = 1;

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
    this.#words = new Map();
    this.#members = new Map();
    this.#checkpoints = new Set();
    this.#evaluations = new Set();
    this.status = undefined;
    this.requests = noSimRequests;
  }

  acquireLease(nowMs: number, holderId: string, ttlMs: number, usedEpoch: number): LeaseAnswer {
    const { holder, epoch, expiresAtMs } = this.#lease ?? newLease(nowMs);
    if (holder !== undefined && holder !== holderId && expiresAtMs > nowMs)
      return {
        held: false,
        fencingEpoch: epoch,
        holderId: holder,
        remainingMs: expiresAtMs - nowMs,
      };
    const isNew = holder !== holderId || epoch < usedEpoch;
    const fencingEpoch = isNew ? Math.max(epoch, usedEpoch) + 1 : epoch;
    this.#lease = { holder: holderId, epoch: fencingEpoch, expiresAtMs: nowMs + ttlMs };
    return { held: true, fencingEpoch };
  }

  releaseLease(holderId: string): void {
    if (this.#lease?.holder === holderId) this.#lease = { ...this.#lease, holder: undefined };
  }

  /** @returns the view; or why not: the newest epoch known, or the version that is in force instead of `replaces` */
  publish(
    draft: ViewDraft,
    replaces: number,
  ): View | { readonly newest: number } | { readonly inForce: number } {
    const known = this.#view?.view;
    const last = this.#ledger.at(-1);
    const newest = Math.max(this.#newestEpoch, last?.fencingEpoch ?? 0);
    if (draft.fencingEpoch !== this.#lease?.epoch || draft.fencingEpoch < newest) return { newest };
    if (known !== undefined && known.version !== replaces) return { inForce: known.version };
    const version = Math.max(replaces, last?.viewVersion ?? 0) + 1;
    const members = draft.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const { runId } = this;
    const view = { ...draft, members, runId, version, fromStep: this.#ledger.length };
    this.#view = { view, divergence: undefined };
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
  ): VoteResult {
    const current = this.#view?.view;
    const isCurrent =
      this.#sabotage === 'no-vote-fence' ||
      (current?.fencingEpoch === fencingEpoch && current.version === version);
    const stale: VoteResult = {
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
    if (epoch !== this.#lease?.epoch || epoch < newest) return { kind: 'stale', newest };
    const known = Math.min(this.#ledger.length, entries.length);
    if (known > 0 && this.#ledger[known - 1]?.head !== entries[known - 1]?.head)
      return { kind: 'diverged' };
    this.#ledger.push(...entries.slice(known));
    if (entries.length > known) this.#votes = new Map();
    return { kind: 'restored', numCommitted: this.#ledger.length };
  }

  /** As the script does: entries newer than the view that the cut was made at stay. */
  cut(toStep: number, madeAt: ViewId, epoch: number): { readonly newest: number } | undefined {
    const newest = this.#newestEpoch;
    if (epoch !== this.#lease?.epoch || epoch < newest) return { newest };
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

  post(topic: string, memberId: string, word: string): void {
    const words = this.#words.get(topic) ?? new Map<string, string>();
    if (!words.has(memberId)) words.set(memberId, word);
    this.#words.set(topic, words);
  }

  read(topic: string): ReadonlyMap<string, string> {
    return new Map(this.#words.get(topic));
  }

  heartbeat(nowMs: number, info: MemberInfo): void {
    this.#members.set(info.memberId, { info, seenMs: nowMs });
  }

  /** Members seen within the time to live, by id; the others are forgotten. */
  list(nowMs: number, ttlMs: number): MemberInfo[] {
    for (const [id, { seenMs }] of this.#members)
      if (seenMs < nowMs - ttlMs) this.#members.delete(id);
    const live = [...this.#members.values()].map(({ info }) => info);
    return live.sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  }

  leave(memberId: string): void {
    this.#members.delete(memberId);
  }

  noteCheckpoint(step: number): void {
    this.#checkpoints.add(step);
  }

  forgetCheckpoints(afterStep: number, stored: ReadonlySet<number>): void {
    for (const step of this.#checkpoints)
      if (step > afterStep && !stored.has(step)) this.#checkpoints.delete(step);
  }

  hasCheckpoint(step: number): boolean {
    return this.#checkpoints.has(step);
  }

  noteEvaluation(step: number): void {
    this.#evaluations.add(step);
  }

  hasEvaluation(step: number): boolean {
    return this.#evaluations.has(step);
  }

  /** Changes the run's status if it is what the caller read. */
  updateStatus(expected: string | undefined, status: string): boolean {
    if (this.status !== expected) return false;
    this.status = status;
    return true;
  }

  get #newestEpoch(): number {
    return Math.max(this.#lease?.epoch ?? 0, this.#view?.view.fencingEpoch ?? 0);
  }

  #isSame(facts: string, others: string): boolean {
    return this.#sabotage === 'no-compare' || facts === others;
  }
}

/** Epochs begin with the time, so that none comes again after a loss of all data. */
function newLease(nowMs: number): Lease {
  return { holder: undefined, epoch: Math.floor(nowMs), expiresAtMs: 0 };
}
