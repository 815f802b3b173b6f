import { z } from 'zod';
import { sha256Hex } from './canonical-json.ts';
import { engineSchema } from './worker-engine.ts';

/** A place in the endless stream of examples: example `index` of `epoch`. */
export const cursorSchema = z.strictObject({
  epoch: z.int().nonnegative(),
  index: z.int().nonnegative(),
});
export type Cursor = z.output<typeof cursorSchema>;

/** The part of a step that every run of the same config must repeat to the bit. */
export const stepFactsSchema = z.strictObject({
  /** Counted from 0: the number of steps committed before it. */
  step: z.int().nonnegative(),
  /** First example, and the one after the last. */
  from: cursorSchema,
  to: cursorSchema,
  numExamples: z.int().positive(),
  /** Digest of the reduced gradient and sums, 16 hex digits. */
  gradientDigest: z.string().regex(/^[0-9a-f]{16}$/),
});
export type StepFacts = z.output<typeof stepFactsSchema>;

/** One committed step. `head` chains it to all before it. */
export const ledgerEntrySchema = stepFactsSchema.extend({
  fencingEpoch: z.int().positive(),
  viewVersion: z.int().positive(),
  members: z.array(z.string()).min(1),
  /** What started them, each once and in order; absent where that is `process` alone, and in what older releases wrote. */
  engines: z.array(engineSchema).min(1).optional(),
  /** By the names of the run's task. */
  sums: z.record(z.string(), z.number()),
  committedAtMs: z.number(),
  head: z.string().regex(/^[0-9a-f]{40}$/),
});
export type LedgerEntry = z.output<typeof ledgerEntrySchema>;

/** A ledger outside Redis, such as a checkpoint's. */
export interface StoredLedger {
  readonly numSteps: number;
  /** Of its last entry; `genesisHead` when it has none. */
  readonly head: string;
  /** Entries from a step on, in order, some hundred at a time, with a turn of the event loop between. */
  entries(fromStep: number): AsyncIterable<readonly LedgerEntry[]>;
}

/** The text that is chained; equal for every undisturbed or disturbed run of the same config. */
export function stepFactsText(facts: StepFacts): string {
  const { step, from, to, numExamples, gradientDigest } = facts;
  return `${step}|${from.epoch}.${from.index}|${to.epoch}.${to.index}|${numExamples}|${gradientDigest}`;
}

/** A member's vote for a step, as the others are told of it. */
export interface CastVote {
  readonly memberId: string;
  /** As `stepFactsText` writes them. */
  readonly facts: string;
  /** Of a part of the state that the step was computed from; '' from a lone member. */
  readonly stateDigest: string;
}

/** The head before the first step. */
export const genesisHead = sha256Hex('berth-ledger/1').slice(0, 40);
