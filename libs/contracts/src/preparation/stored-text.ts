import { z } from 'zod';
import { corpusTallySchema } from '../corpus-chunk.ts';

/** Where the documents of a chunk are that was stored for workers who do not see its files. */
export const storedTextSchema = z.strictObject({
  /** Objects of JSON lines: what was counted up to its end, then documents. */
  numObjects: z.int().nonnegative(),
  /** At the end of all. */
  tally: corpusTallySchema,
});
export type StoredText = z.output<typeof storedTextSchema>;

/** A document of such an object: its id and its sentences. */
export const storedDocumentSchema = z.tuple([z.string(), z.array(z.string())]);
