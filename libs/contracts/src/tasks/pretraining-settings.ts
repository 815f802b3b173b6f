import { z } from 'zod';
import { countUpTo, ratio } from '../limits.ts';
import type { ExampleSizes } from './task.ts';

/** What the section of the run file that shapes examples is about. */
export const pretrainingExamples = 'Masked LM and next sentence examples';

/** Keys of that section. */
export const pretrainingSettings = {
  mode: z
    .enum(['berth', 'google'])
    .default('berth')
    .describe(
      'berth: new pairs and masks every epoch; google: those of create_pretraining_data.py, bit for bit, the same every epoch',
    )
    .meta({ decides: 'examples', absentAs: 'berth' }),
  dupeFactor: countUpTo(1000)
    .optional()
    .describe(
      'In mode google: passes over each shard, each with its own pairs and masks; default 10',
    )
    .meta({ decides: 'examples' }),
  maxPredictions: countUpTo(4096)
    .default(20)
    .describe('Most masked positions of an example')
    .meta({ decides: 'examples' }),
  maskedLmRatio: ratio
    .gt(0)
    .default(0.15)
    .describe('Share of tokens masked')
    .meta({ decides: 'examples' }),
  shortSeqRatio: ratio
    .default(0.1)
    .describe('Share of documents cut to a random shorter length')
    .meta({ decides: 'examples' }),
  wholeWordMask: z
    .boolean()
    .default(false)
    .describe('Mask all tokens of a word together, also in scripts without spaces')
    .meta({ decides: 'examples' }),
} as const;

/** Why examples cannot have so many predictions; undefined when they can. */
export function problemWithPredictions({
  maxSeqLength,
  maxPredictions,
}: ExampleSizes): string | undefined {
  const most = maxSeqLength - 3;
  if (maxPredictions <= most) return undefined;
  return `${maxPredictions} is more than the ${most} tokens that can be masked`;
}

/** Why examples cannot be made in so many passes; undefined when they can. */
export function problemWithPasses({
  mode,
  dupeFactor,
}: {
  readonly mode: string;
  readonly dupeFactor?: number | undefined;
}): string | undefined {
  return dupeFactor === undefined || mode === 'google'
    ? undefined
    : `only examples.mode google has it, and this is ${mode}: there each epoch is a pass of its own`;
}
