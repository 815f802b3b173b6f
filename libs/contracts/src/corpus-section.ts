import { z } from 'zod';
import { path, ratio } from './limits.ts';

function isKnownEncoding(label: string): boolean {
  if (label === 'auto') return true;
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}

/** Part of the names of its files in the dataset. */
export const partName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'use lower-case letters, digits and hyphens');
const maxParts = 64;

const fieldName = z.string().min(1).max(256);

/** The `corpus` section of a run config: the text, and how it is read. */
export const corpusSection = z
  .strictObject({
    path: path
      .optional()
      .describe(
        'File, directory or glob, relative to this file; s3://bucket/prefix; hf://datasets/owner/name',
      )
      .meta({ decides: 'content' }),
    parts: z
      .array(z.strictObject({ name: partName, path }))
      .min(1)
      .max(maxParts)
      .optional()
      .describe('Instead of path: several of them, each with a name for examples.corpusWeights')
      .meta({ decides: 'content' }),
    dataset: path
      .optional()
      .describe(
        'Instead of path: a ready dataset (docs/dataset-format.md): a folder, s3://bucket/prefix, or the id of one in the bucket',
      )
      .meta({ decides: 'content' }),
    encoding: z
      .string()
      .refine(isKnownEncoding, 'no known encoding; write auto, utf-8, windows-1252, gb18030, …')
      .default('auto')
      .describe(
        'auto: UTF-8, and UTF-16 where the bytes leave no doubt; or a WHATWG encoding label',
      )
      .meta({ decides: 'data' }),
    heldOutRatio: ratio
      .lt(1)
      .default(0.02)
      .describe('Share of documents kept for evaluation; 0: none, and no evaluations')
      .meta({ decides: 'data' }),
    duplicates: z
      .enum(['drop', 'keep'])
      .optional()
      .describe('Documents with the text of another of the same part: dropped (default) or kept')
      .meta({ decides: 'data' }),
    nearDuplicates: z
      .number()
      .min(0.5)
      .max(0.95)
      .optional()
      .describe(
        'Documents at least so similar to another are left out, by the 5-grams of their words; 0.8 is usual. Else all stay',
      )
      .meta({ decides: 'data' }),
    sentenceMode: z
      .enum(['auto', 'lines', 'prose'])
      .default('auto')
      .describe(
        'lines: one sentence a line, blank line between documents; prose: split into sentences',
      )
      .meta({ decides: 'data' }),
    textField: fieldName
      .default('text')
      .describe('Field or column that holds the text, of formats that have some; a.b is b in a')
      .meta({ decides: 'data' }),
    idField: fieldName
      .default('id')
      .describe('Field or column that names a document, where there is one')
      .meta({ decides: 'data' }),
    pretokenised: z
      .boolean()
      .default(false)
      .describe('Lines are sentences, of words with spaces between that only WordPiece splits on')
      .meta({ decides: 'data' }),
    skipBad: z
      .boolean()
      .default(false)
      .describe('Pass over lines, records and files that cannot be read, and count them')
      .meta({ decides: 'data' }),
  })
  .describe('Raw text');
