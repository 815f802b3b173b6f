import { z } from 'zod';

const count = z.int().nonnegative();
const place = z.strictObject({ path: z.string(), at: z.string() });

/** The first line of the held-out rows. */
export const heldOutHeaderSchema = z.strictObject({
  format: z.literal('berth-held-out-rows/1'),
  numRows: count,
});

/** A text or a pair, cut for people. */
const textRow = z.strictObject({ place, texts: z.array(z.string()).min(1).max(2) });

/** The words of a sentence, each cut for people. */
const wordRow = z.strictObject({
  place,
  words: z.array(z.string()),
  /** The number of each word's tag. */
  tags: z.array(count),
  /** Where the first piece of each word is in the example; -1 for words that it does not have. */
  positions: z.array(z.int().min(-1)),
});

/** A window on the context of a question, as it is stored. */
const windowRow = z.strictObject({
  /** Absent where it is a window of the question of the row before. */
  question: z
    .strictObject({
      place,
      id: z.string(),
      question: z.string(),
      /** Absent where it is that of the question before. */
      context: z.string().optional(),
      /** In the context, in UTF-16 code units. */
      answers: z.array(z.tuple([count, count])),
    })
    .optional(),
  /** Where the window begins in the example. */
  contextAt: count,
  /** Of each token of the window: characters between the one before and it, and its own; the first begins at its place. */
  spans: z.array(count),
  /** A digit a token: 1 where, of all windows, it has most context here. */
  isMaxContext: z.string().regex(/^[01]*$/),
});

/**
 * A line of the held-out rows: gzip JSON lines, a header and then one for each held-out example, in their order. What
 * evaluations tell of examples comes from here.
 */
export const storedHeldOutRowSchema = z.union([textRow, wordRow, windowRow]);
export type StoredHeldOutRow = z.output<typeof storedHeldOutRowSchema>;
