import { z } from 'zod';
import { datasetReportSchema } from '../judge-health.ts';
import { shownExampleSchema } from './shown-example.ts';

const count = z.int().nonnegative();

/** A number that examples should have, and the band in which that of sound data lies. */
export const shownShareSchema = z.strictObject({
  /** In snake case. */
  name: z.string(),
  /** For people. */
  label: z.string(),
  value: z.number(),
  /** Absent where sound data may have any value. */
  low: z.number().optional(),
  high: z.number().optional(),
  /** Where the band is from, for people. */
  source: z.string().optional(),
});
export type ShownShare = z.output<typeof shownShareSchema>;

/** A document that stands out. */
export const shownDocumentSchema = z.strictObject({
  split: z.enum(['train', 'heldOut']),
  shard: count,
  document: count,
  name: z.string().optional(),
  hash: z.string().optional(),
  numTokens: count,
  numSentences: count,
  /** What it stands out by, as a share of its tokens; of duplicates how often it is there. */
  value: z.number(),
  /** Its first tokens. */
  beginning: z.array(z.string()),
});
export type ShownDocument = z.output<typeof shownDocumentSchema>;

/** How many are of a length, in tokens: at least `from`, and less than `to`. */
const lengthsSchema = z.array(z.strictObject({ from: count, to: count, count }));

/** A look at the data of a run, at bounded amounts of it. */
export const dataViewSchema = z.strictObject({
  datasetId: z.string(),
  format: z.string(),
  /** The health of all of it, where that was measured. */
  report: datasetReportSchema.nullable(),
  /** Documents that were forgotten; their places have tokens of others. */
  numForgotten: count,
  /** What was looked at, of what there is. */
  looked: z.strictObject({
    numDocuments: count,
    ofDocuments: count,
    numShards: count,
    ofShards: count,
    numExamples: count,
    /** Whether those are the examples of the run, or made of the first documents of a shard in their way. */
    areWhole: z.boolean(),
  }),
  shares: z.array(shownShareSchema),
  examples: z.array(shownExampleSchema),
  /** Of documents; none where it is of labelled rows. */
  documentLengths: lengthsSchema,
  exampleLengths: lengthsSchema,
  longest: z.array(shownDocumentSchema),
  mostUnknown: z.array(shownDocumentSchema),
  mostSymbols: z.array(shownDocumentSchema),
  /** Each once. */
  duplicates: z.array(shownDocumentSchema),
});
export type DataView = z.output<typeof dataViewSchema>;
