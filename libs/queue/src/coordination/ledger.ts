import {
  BerthError,
  canonicalJson,
  genesisHead,
  stepFactsText,
  type CastVote,
  type LedgerEntry,
  type StepFacts,
  type StepSums,
  type StoredLedger,
} from '@berth/contracts';
import type { Verdict, ViewId } from '@berth/protocol';
import { parseEntry } from './parse-entry.ts';
import { staleEpoch } from './stale-epoch.ts';
import type { RedisConnection } from '../connection/connection.ts';
import { globalKeys, runKeys } from '../connection/keys.ts';
import { rewindLedgerScript } from './lua/rewind-ledger.ts';
import { voteScript } from './lua/vote.ts';
import { restoreLedger } from './restore-ledger.ts';

export interface CommitState {
  /** Committed steps; the next one to vote on. */
  readonly numCommitted: number;
  /** Of the current view; 0 before the first. */
  readonly fencingEpoch: number;
  readonly viewVersion: number;
  /** Members of the current view whose vote for the next step is not in. */
  readonly missing: readonly string[];
}

/** A run's committed steps, and the votes that lead to the next. */
export interface Ledger {
  /**
   * Votes for a step. Voting again with the same facts is harmless and tells how the vote stands.
   * `committed`: the step is in the ledger by this view's votes. `replayed`: it was there, with the same facts.
   * `stale`: another view is current, or the member is not in it. `contradicted`: the ledger holds other facts. `diverged`: all
   * members of the view have voted, and not the same; nothing is committed in it any more.
   * @param stateDigest - of a part of the state that the step was computed from; compared, and not kept; a lone member leaves it out
   * @throws BerthError `NUMERICS_NOT_FINITE` when a sum is not a number
   */
  vote(
    view: ViewId,
    memberId: string,
    facts: StepFacts,
    sums: StepSums,
    stateDigest?: string,
  ): Promise<Verdict>;
  state(): Promise<CommitState>;
  numCommitted(): Promise<number>;
  /** Digest of all committed steps; `genesisHead` before the first. */
  head(): Promise<string>;
  entry(step: number): Promise<LedgerEntry | undefined>;
  /** Entries [fromStep, toStep), as many as there are, some hundred at a time: neither Redis nor the caller is held up. */
  pages(fromStep: number, toStep: number): AsyncIterable<readonly LedgerEntry[]>;
  /** The same in one array, for ranges that are known to be small. */
  entries(fromStep: number, toStep: number): Promise<LedgerEntry[]>;
  /**
   * Puts a checkpoint's entries back after Redis lost them, and goes on where another restore has ended. Those that Redis
   * still has must be the same ones and stay; a longer ledger stays as it is. The lease must be in an epoch no older than
   * theirs.
   * @returns committed steps
   * @throws BerthError `LEDGER_INVALID` when the entries do not chain, `LEDGER_DIVERGED` when Redis holds others,
   * `LEDGER_BEHIND` when it loses them meanwhile, `QUEUE_STALE_EPOCH` when a newer coordinator is known
   */
  restore(stored: StoredLedger, fencingEpoch: number): Promise<number>;
  /**
   * Rewinds the ledger, unless what follows was committed under a newer view than the one that the rewind was made at.
   * The view in force must have no members, so that nothing is committed meanwhile.
   * @returns committed steps
   * @throws BerthError `QUEUE_STALE_EPOCH` when a newer coordinator is known
   */
  rewind(toStep: number, madeAt: ViewId, fencingEpoch: number): Promise<number>;
}

// Some 150 KiB, and a few ms to parse.
const entriesPerPage = 250;

export function createLedger(connection: RedisConnection, runId: string): Ledger {
  const keys = runKeys(runId);

  const pages: Ledger['pages'] = async function* (fromStep, toStep) {
    for (let start = fromStep; start < toStep; start += entriesPerPage) {
      const end = Math.min(toStep, start + entriesPerPage);
      const texts = await connection.call((client) => client.lrange(keys.ledger, start, end - 1));
      if (texts.length > 0) yield texts.map(parseEntry);
      if (texts.length < end - start) return;
    }
  };

  const entry = async (step: number): Promise<LedgerEntry | undefined> => {
    const text = await connection.call((client) => client.lindex(keys.ledger, step));
    return text === null ? undefined : parseEntry(text);
  };

  return {
    entry,
    pages,

    entries: async (fromStep, toStep) => {
      const entries: LedgerEntry[] = [];
      for await (const page of pages(fromStep, toStep)) entries.push(...page);
      return entries;
    },

    async vote({ fencingEpoch, version }, memberId, facts, sums, stateDigest = '') {
      requireFinite(facts.step, sums);
      const { step, from, to, numExamples, gradientDigest } = facts;
      const entryJson = canonicalJson({ step, from, to, numExamples, gradientDigest, sums });
      const reply = await connection.run(
        voteScript,
        [keys.view, keys.votes, keys.ledger],
        [
          fencingEpoch,
          version,
          memberId,
          step,
          stepFactsText(facts),
          stateDigest,
          entryJson,
          genesisHead,
          keys.hints,
        ],
      );
      return voteResult(facts, reply as VoteReply);
    },

    async state() {
      const reply = await connection.call((client) =>
        client
          .multi()
          .llen(keys.ledger)
          .hmget(keys.view, 'epoch', 'version', 'members')
          .hkeys(keys.votes)
          .exec(),
      );
      const [length, view, voters] = (reply ?? []).map(([, value]) => value);
      const [epoch, version, members] = view as (string | null)[];
      const voted = new Set(voters as string[]);
      return {
        numCommitted: length as number,
        fencingEpoch: Number(epoch ?? 0),
        viewVersion: Number(version ?? 0),
        missing: (JSON.parse(members ?? '[]') as string[]).filter((id) => !voted.has(id)),
      };
    },

    numCommitted: () => connection.call((client) => client.llen(keys.ledger)),

    head: async () => (await entry(-1))?.head ?? genesisHead,

    restore: (stored, fencingEpoch) => restoreLedger(connection, runId, stored, fencingEpoch),

    async rewind(toStep, madeAt, fencingEpoch) {
      const reply = await connection.run(
        rewindLedgerScript,
        [globalKeys.lease, keys.view, keys.votes, keys.ledger],
        [fencingEpoch, toStep, madeAt.fencingEpoch, madeAt.version],
      );
      const [kind, value] = reply as ['rewind' | 'stale', number];
      if (kind === 'stale') throw staleEpoch(`ledger of run ${runId}`, fencingEpoch, value);
      return value;
    },
  };
}

function requireFinite(step: number, sums: StepSums): void {
  for (const [name, value] of Object.entries(sums))
    if (!Number.isFinite(value))
      throw new BerthError('NUMERICS_NOT_FINITE', `step ${step}: the sum ${name} is ${value}`, {
        details: { step, sum: name },
      });
}

type VoteReply =
  | ['committed' | 'replayed', string, string, string]
  | ['contradicted', string]
  | ['waiting']
  | ['diverged', ...string[]]
  | ['stale', number, number]
  | ['ahead', number];

function voteResult(facts: StepFacts, reply: VoteReply): Verdict {
  const { step } = facts;
  switch (reply[0]) {
    case 'committed':
    case 'replayed':
      return {
        kind: reply[0],
        head: reply[1],
        committedAtMs: Number(reply[2]),
        beforeAtMs: Number(reply[3]),
      };
    case 'waiting':
      return { kind: 'waiting' };
    case 'stale':
      return { kind: 'stale', fencingEpoch: reply[1], viewVersion: reply[2] };
    case 'ahead':
      return {
        kind: 'ahead',
        reason: `step ${step} cannot be voted on: only ${reply[1]} steps are committed`,
      };
    case 'contradicted':
      return {
        kind: 'contradicted',
        reason: `step ${step} is in the ledger as ${reply[1]}, but here it is ${stepFactsText(facts)}`,
      };
    case 'diverged':
      return { kind: 'diverged', votes: castVotes(reply.slice(1)) };
  }
  return reply satisfies never;
}

function castVotes(fields: readonly string[]): CastVote[] {
  return Array.from({ length: fields.length / 3 }, (_, index) => {
    const [memberId = '', facts = '', stateDigest = ''] = fields.slice(3 * index);
    return { memberId, facts, stateDigest };
  });
}
