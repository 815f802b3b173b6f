import { z } from 'zod';
import { countUpTo, maxLabels, path, ratio } from '../../limits.ts';

const label = z.string().min(1).max(1000);
const column = z.string().min(1).max(1000);

/** The `task` section of a run config: what a run is fine-tuned for, and the labelled examples that it learns from. */
export const fineTuningSection = z
  .strictObject({
    kind: z
      .enum(['classify', 'classify-many', 'regress', 'tag', 'answer'])
      .describe(
        'classify: a label for a text or a pair; classify-many: any of the labels; regress: a number; ' +
          'tag: a label for each word; answer: where in a context the answer to a question is',
      )
      .meta({ decides: 'data', change: 'new' }),
    train: path
      .describe(
        'Labelled examples: .jsonl, .csv, .tsv, .conll, .json (SQuAD), .parquet; relative to this file',
      )
      .meta({ decides: 'content' }),
    eval: path
      .optional()
      .describe('Others to evaluate on; some of those of train, held out, when left out')
      .meta({ decides: 'content' }),
    heldOutRatio: ratio
      .gt(0)
      .lt(1)
      .optional()
      .describe('Share of the rows of train that is held out where there is no eval; default 0.1')
      .meta({ decides: 'data' }),
    columns: z
      .partialRecord(z.enum(['text', 'pair', 'label', 'words', 'tags']), column)
      .optional()
      .describe('Names of the columns; those that people use when left out')
      .meta({ decides: 'data' }),
    labels: z
      .array(label)
      .min(2)
      .max(maxLabels)
      .optional()
      .describe('In the order of their numbers; those of the training rows when left out')
      .meta({ decides: 'data' }),
    labelSeparator: z
      .string()
      .min(1)
      .max(10)
      .optional()
      .describe('Of classify-many, between labels in one text; default a comma')
      .meta({ decides: 'data' }),
    classWeights: z
      .union([z.literal('balanced'), z.record(label, z.number().nonnegative().max(1e6))])
      .optional()
      .describe(
        'balanced: rare classes count more; or a weight for each label; 1 when left out. Of classify-many it is that of ' +
          'rows that have the label, as pos_weight in PyTorch',
      )
      .meta({ decides: 'data' }),
    docStride: countUpTo(4096)
      .optional()
      .describe('Of answer: tokens between the beginnings of two windows on a context; default 128')
      .meta({ decides: 'data' }),
    maxQueryLength: countUpTo(4096)
      .optional()
      .describe('Of answer: tokens of a question, the rest is cut off; default 64')
      .meta({ decides: 'data' }),
    maxAnswerLength: countUpTo(4096)
      .optional()
      .describe('Of answer: tokens of an answer that is predicted; default 30')
      .meta({ decides: 'nothing' }),
    numBest: countUpTo(1000)
      .optional()
      .describe('Of answer: beginnings and ends of a window that are tried; default 20')
      .meta({ decides: 'nothing' }),
    metric: z
      .string()
      .optional()
      .describe('By which the best checkpoint is chosen; each kind has a default')
      .meta({ decides: 'nothing' }),
  })
  .describe('Fine-tuning, instead of corpus: the second stage of BERT');

export type FineTuningSection = z.output<typeof fineTuningSection>;
