import type { CastVote } from '@berth/contracts';

/** By the ledger's clock: the same for all who ask. */
export interface CommitTimes {
  readonly committedAtMs: number;
  /** Of the step before; 0 for the first. */
  readonly beforeAtMs: number;
}

/** What the ledger says of a vote. */
export type Verdict =
  | ({ readonly kind: 'committed' | 'replayed'; readonly head: string } & CommitTimes)
  | { readonly kind: 'waiting' }
  | { readonly kind: 'stale'; readonly fencingEpoch: number; readonly viewVersion: number }
  | { readonly kind: 'ahead' | 'contradicted'; readonly reason: string }
  | { readonly kind: 'diverged'; readonly votes: readonly CastVote[] };
