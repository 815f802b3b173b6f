import { z } from 'zod';

/** What an all-reduce takes between the members of a view, and what their links allow. */
export const networkReportSchema = z.strictObject({
  numMembers: z.int().positive(),
  /** Those at one address share a link. */
  numLinks: z.int().positive(),
  /** How long a step waited for the sum after its computing, lately and in this view: the median; null before the first step. */
  waitMs: z.number().nullable(),
  /** What no sum can be faster than, however much of it passes while members compute; null unless all links are known. */
  lowest: z
    .strictObject({
      ms: z.number().nonnegative(),
      /** Of the link that takes longest: what it carries each way, and its speed. */
      numBytes: z.number().nonnegative(),
      bitsPerSecond: z.number().positive(),
    })
    .nullable(),
  /** Members whose links are not known. */
  unknown: z.array(z.string()),
});
export type NetworkReport = z.output<typeof networkReportSchema>;
