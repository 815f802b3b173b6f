import type { CastVote } from '@berth/contracts';

/** What the ledger says of a vote. */
export type Verdict =
  | { readonly kind: 'committed' | 'replayed'; readonly head: string }
  | { readonly kind: 'waiting'; readonly missing: readonly string[] }
  | { readonly kind: 'stale'; readonly fencingEpoch: number; readonly viewVersion: number }
  | { readonly kind: 'ahead' | 'contradicted'; readonly reason: string }
  | { readonly kind: 'diverged'; readonly votes: readonly CastVote[] };
