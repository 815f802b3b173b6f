import { z } from 'zod';

const count = z.int().nonnegative();

/** Where a stretch of an example's tokens is from. */
export const shownSourceSchema = z.strictObject({
  /** Its first token in the example, and how many there are. */
  position: count,
  numTokens: count,
  split: z.enum(['train', 'heldOut']),
  /** Of the dataset, and the document's place in it. */
  shard: count,
  document: count,
  /** What the document is called: its `id` field, or file and line. Datasets of earlier releases have no names. */
  name: z.string().optional(),
  /** Of the document, in hex; absent where the dataset has none. */
  hash: z.string().optional(),
  /** Of the document, whole or in part. */
  firstSentence: count,
  numSentences: z.int().positive(),
  /** In the document. */
  firstToken: count,
});
export type ShownSource = z.output<typeof shownSourceSchema>;

/** An example as a model reads it, in words. */
export const shownExampleSchema = z.strictObject({
  split: z.enum(['train', 'heldOut']),
  epoch: count,
  /** Of the epoch, and the place in it. */
  shard: count,
  example: count,
  /** With masks, without padding. */
  tokens: z.array(z.string()),
  ids: z.array(count),
  /** Stretches of tokens of the same segment and the same sequence, in order. A row that is not packed is one sequence. */
  segments: z.array(
    z.strictObject({
      position: count,
      numTokens: z.int().positive(),
      segment: z.union([z.literal(0), z.literal(1)]),
      sequence: count,
    }),
  ),
  /** Tokens that are to be predicted: where, and what stood there. */
  labels: z.array(z.strictObject({ position: count, token: z.string(), weight: z.number() })),
  /** What it has in the task's other columns, by their names. */
  columns: z.record(z.string(), z.array(z.number())),
  /** Of its text, in order; none of labelled rows. */
  sources: z.array(shownSourceSchema),
});
export type ShownExample = z.output<typeof shownExampleSchema>;
