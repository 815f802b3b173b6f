import { z } from 'zod';
import { countUpTo, ratio } from '../limits.ts';
import type { ExampleSizes } from './task.ts';

/** What the section of the run file that shapes examples is about. */
export const pretrainingExamples = 'Masked LM examples, with or without next sentence prediction';

const defaultShortSeqRatio = 0.1;

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
    .default(defaultShortSeqRatio)
    .describe(
      'Share of documents cut to a random shorter length; without nextSentence, of examples, and 0 where left out',
    )
    .meta({ decides: 'examples' }),
  masking: z
    .enum(['token', 'word', 'span'])
    .default('token')
    .describe(
      'What is masked together: a token, all tokens of a word (also in scripts without spaces), or several words, as in SpanBERT',
    )
    .meta({ decides: 'examples' }),
  nextSentence: z
    .boolean()
    .default(true)
    .describe(
      'Pairs of segments, and next sentence prediction; false: whole sentences packed to maxSeqLength, as in RoBERTa',
    )
    .meta({ decides: 'examples', absentAs: true }),
  packAcrossDocuments: z
    .boolean()
    .optional()
    .describe(
      'Without nextSentence: whether an example that a document does not fill goes on with another; default true',
    )
    .meta({ decides: 'examples' }),
  sequencesPerRow: countUpTo(256)
    .default(1)
    .describe(
      'How many short sequences one example may have, which see nothing of each other: pairs, or without nextSentence texts of one document',
    )
    .meta({ decides: 'examples', absentAs: 1 }),
} as const;

/** Those of the keys that a phase of a run may have otherwise. */
export const phaseExampleSettings = {
  maxPredictions: pretrainingSettings.maxPredictions.unwrap().optional(),
  maskedLmRatio: pretrainingSettings.maskedLmRatio.unwrap().optional(),
  sequencesPerRow: pretrainingSettings.sequencesPerRow.unwrap().optional(),
} as const;

type PretrainingSettings = ExampleSizes & {
  readonly mode: string;
  readonly dupeFactor?: number | undefined;
  readonly masking: string;
  readonly nextSentence: boolean;
  readonly packAcrossDocuments?: boolean | undefined;
  readonly sequencesPerRow: number;
};

/** What is wrong with a setting of the section, by its key, and the keys that it does not go with. */
export interface ExamplesProblem {
  readonly key: string;
  readonly problem: string;
  readonly others: readonly string[];
}

/** The first setting of the section that does not go with the others. */
export function problemWithExamples({
  maxSeqLength,
  maxPredictions,
  mode,
  dupeFactor,
  masking,
  nextSentence,
  packAcrossDocuments,
  sequencesPerRow,
}: PretrainingSettings): ExamplesProblem | undefined {
  const most = maxSeqLength - (nextSentence ? 3 : 2);
  if (maxPredictions > most)
    return {
      key: 'maxPredictions',
      problem: `${maxPredictions} is more than the ${most} tokens that can be masked`,
      others: ['maxSeqLength'],
    };
  if (dupeFactor !== undefined && mode !== 'google')
    return {
      key: 'dupeFactor',
      problem: `only examples.mode google has it, and this is ${mode}: there each epoch is a pass of its own`,
      others: ['mode'],
    };
  if (mode === 'google' && !nextSentence)
    return {
      key: 'nextSentence',
      problem: 'examples.mode google knows only pairs with next sentences; leave the mode out',
      others: ['mode'],
    };
  if (mode === 'google' && masking === 'span')
    return {
      key: 'masking',
      problem: 'examples.mode google masks tokens or words; leave the mode out',
      others: ['mode'],
    };
  if (nextSentence && packAcrossDocuments !== undefined)
    return {
      key: 'packAcrossDocuments',
      problem: 'only examples of nextSentence false are packed',
      others: ['nextSentence'],
    };
  if (mode === 'google' && sequencesPerRow > 1)
    return {
      key: 'sequencesPerRow',
      problem: 'examples.mode google knows only examples of one pair; leave the mode out',
      others: ['mode'],
    };
  if (packAcrossDocuments === true && sequencesPerRow > 1)
    return {
      key: 'packAcrossDocuments',
      problem: `the ${sequencesPerRow} sequences of an example are kept apart; leave it out, or examples.sequencesPerRow`,
      others: ['sequencesPerRow'],
    };
  return undefined;
}

/** A run config as it was written, with the defaults that depend on what it learns. */
export function withTaskDefaults(config: unknown): unknown {
  const { examples } = (config ?? {}) as { readonly examples?: Record<string, unknown> | null };
  if (examples?.['nextSentence'] !== false || Object.hasOwn(examples, 'shortSeqRatio'))
    return config;
  return { ...(config as object), examples: { ...examples, shortSeqRatio: 0 } };
}
