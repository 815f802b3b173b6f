import type { CastVote, View } from '@berth/contracts';

/** The part of a view that a vote is fenced by. */
export type ViewId = Pick<View, 'fencingEpoch' | 'version'>;

/** What the ledger says of a vote. */
export type Verdict =
  | { readonly kind: 'committed' | 'replayed'; readonly head: string }
  | { readonly kind: 'waiting'; readonly missing: readonly string[] }
  | { readonly kind: 'stale'; readonly fencingEpoch: number; readonly viewVersion: number }
  | { readonly kind: 'ahead' | 'contradicted'; readonly reason: string }
  | { readonly kind: 'diverged'; readonly votes: readonly CastVote[] };
