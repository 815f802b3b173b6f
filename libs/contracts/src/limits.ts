import { z } from 'zod';

/**
 * Counts end where nobody's run reaches, so that a slip of the finger is an error and not a process that works or
 * allocates for ever: something is done, or kept, for each of them.
 */
export const countUpTo = (limit: number): z.ZodInt => z.int().positive().max(limit);

export const ratio = z.number().min(0).max(1);

/** Steps: nine digits are what a checkpoint's folder has room for, and what sorts it among the others. */
const maxSteps = 999_999_999;
export const stepCount = countUpTo(maxSteps);
export const defaultNumSteps = 1000;
/** Zero: never, or not. */
export const stepInterval = z.int().nonnegative().max(maxSteps);

/** Examples of a step: sixteen times the largest batch that BERT was ever trained with; times the steps, still exact. */
export const exampleCount = countUpTo(2 ** 20);

/** Of a fine-tuning: each is an output, and a row of tables. More than any published data set has. */
export const maxLabels = 1000;

/** Most shards that are mixed, or read ahead, and most that a corpus is cut into unless more are asked for. */
export const maxShards = 4096;
export const shardCount = countUpTo(maxShards);

/** Most that can be asked for of a corpus: each is an object, and its examples a job an epoch. */
export const maxDatasetShards = 16_384;
export const datasetShardCount = countUpTo(maxDatasetShards);

/** Entries of a vocabulary: four times those of the largest models of many languages. */
export const maxVocabularySize = 1_000_000;

/** Each has a gradient of its own until it is summed, and a place in every view. */
export const rankCount = countUpTo(2 ** 16);

/** Processes of one machine, each with a TensorFlow of its own. */
export const workerCount = countUpTo(1024);

/** More than any machine has processors. */
export const maxThreads = 1024;
export const threadCount = countUpTo(maxThreads);

/** A day: what is longer is not a slow step but a hang, and Node fires timers of more than 2^31 ms at once. */
export const stepTimeout = countUpTo(86_400_000);

/** Up to a month; zero: never. */
export const saveInterval = z
  .int()
  .nonnegative()
  .max(30 * 86_400_000);

/** As long as Linux takes one. Terminals and logs would obey control characters in it. */
export const path = z
  .string()
  .min(1)
  .max(4096)
  .refine((text) => !/\p{Cc}/u.test(text), 'a path may not hold control characters')
  .refine(
    (text) => !/^(?!s3:|hf:)[A-Za-z][A-Za-z\d+.-]+:\/\//.test(text),
    'nothing is downloaded from there: name a file or folder; text may also be at s3://bucket/prefix',
  )
  .refine((text) => !/^~(\/|$)/.test(text), 'write the path in full: only a shell knows what ~ is');

/** Sizes of a model: ten times those of any published encoder. */
export const maxModel = {
  hiddenSize: 2 ** 15,
  numLayers: 512,
  numHeads: 1024,
  intermediateSize: 2 ** 17,
  maxPositions: 2 ** 16,
  typeVocabSize: 2 ** 16,
} as const;
