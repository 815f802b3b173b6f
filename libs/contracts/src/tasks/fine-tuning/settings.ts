import { z } from 'zod';
import { countUpTo, defaultNumSteps, path, ratio } from '../../limits.ts';
import { metricsOfKind } from './metrics-of-kind.ts';
import { pretrainingSettings } from '../pretraining-settings.ts';

const label = z.string().min(1).max(1000);
/** More than any published data set has; each is an output, and a row of tables. */
const maxLabels = 1000;
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

interface Problem {
  readonly key: string;
  readonly problem: string;
}

/** The first setting of the section that does not go with its kind. */
export function problemWithFineTuning(section: FineTuningSection): Problem | undefined {
  const { kind } = section;
  const hasClasses = kind === 'classify' || kind === 'classify-many' || kind === 'tag';
  const only = (
    keys: readonly (keyof FineTuningSection)[],
    isThere: boolean,
    kinds: string,
  ): Problem | undefined => {
    const key = keys.find((one) => section[one] !== undefined);
    return isThere || key === undefined
      ? undefined
      : { key, problem: `only ${kinds} has it, and this is ${kind}: leave it out` };
  };
  const { columns = {}, labels = [], classWeights } = section;
  const metrics = metricsOfKind(kind);
  const wrongColumn = Object.entries(columns).find(
    ([name, given]) => given !== undefined && !columnsOf[kind].includes(name),
  );
  const twice = labels.find((one, index) => labels.indexOf(one) !== index);
  const given = typeof classWeights === 'object' ? Object.keys(classWeights) : undefined;
  const unknown = labels.length === 0 ? undefined : given?.find((one) => !labels.includes(one));
  return (
    only(['labels'], hasClasses, 'a kind with classes (classify, classify-many, tag)') ??
    only(['classWeights'], hasClasses, 'a kind with classes (classify, classify-many, tag)') ??
    only(['labelSeparator'], kind === 'classify-many', 'classify-many') ??
    only(
      ['docStride', 'maxQueryLength', 'maxAnswerLength', 'numBest'],
      kind === 'answer',
      'answer',
    ) ??
    (section.eval !== undefined && section.heldOutRatio !== undefined
      ? {
          key: 'heldOutRatio',
          problem: 'nothing is held out of train where there is an eval: leave one of them out',
        }
      : undefined) ??
    (wrongColumn && {
      key: `columns.${wrongColumn[0]}`,
      problem:
        columnsOf[kind].length === 0
          ? `${kind} reads question, context and answers, as SQuAD calls them`
          : `${kind} has ${columnsOf[kind].join(', ')}`,
    }) ??
    (section.metric === undefined || metrics.includes(section.metric)
      ? undefined
      : {
          key: 'metric',
          problem: `${section.metric} is no metric of ${kind}, which has ${metrics.join(', ')}`,
        }) ??
    (twice === undefined ? undefined : { key: 'labels', problem: `${twice} is there twice` }) ??
    (unknown === undefined
      ? undefined
      : { key: 'classWeights', problem: `${unknown} is none of task.labels` })
  );
}

const textColumns = ['text', 'pair', 'label'];
const columnsOf: Readonly<Record<FineTuningSection['kind'], readonly string[]>> = {
  classify: textColumns,
  'classify-many': textColumns,
  regress: textColumns,
  tag: ['words', 'tags'],
  answer: [],
};

type Section = Readonly<Record<string, unknown>>;
const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A config that was checked before has their defaults. */
const pretrainingOnly: Readonly<Record<string, z.ZodType>> = {
  ...pretrainingSettings,
  corpusWeights: z.undefined(),
};

/** What does not go together in a config as it was written, before defaults hide it. */
export function problemWithWritten(config: unknown): Problem | undefined {
  if (!isSection(config)) return undefined;
  const { task, examples, train, optimizer } = config;
  const both = (section: unknown, one: string, other: string, isDefault: unknown): boolean =>
    isSection(section) &&
    [one, other].every((key) => section[key] !== undefined) &&
    section[other] !== isDefault;
  const given = task !== undefined && isSection(examples) ? examples : {};
  const strange = Object.entries(pretrainingOnly).find(
    ([key, schema]) => given[key] !== undefined && given[key] !== schema.safeParse(undefined).data,
  )?.[0];
  if (strange !== undefined)
    return {
      key: `examples.${strange}`,
      problem: 'only pre-training has it, and there is a task: leave it out',
    };
  if (both(train, 'numEpochs', 'numSteps', defaultNumSteps))
    return { key: 'train.numEpochs', problem: 'goes instead of numSteps: leave one of them out' };
  if (both(optimizer, 'warmupRatio', 'numWarmupSteps', 0))
    return {
      key: 'optimizer.warmupRatio',
      problem: 'goes instead of numWarmupSteps: leave one of them out',
    };
  return undefined;
}

/** Evaluations of a fine-tuning are on all that is held out. */
const allExamples = 2 ** 20;

/**
 * A run config as it was written, with the defaults of fine-tuning: those of google-research/bert (run_classifier.py and
 * run_squad.py). Lengths of its own keep it from having epochs.
 */
export function withFineTuningDefaults(config: unknown): unknown {
  if (!isSection(config) || !isSection(config['task'])) return config;
  const section = (name: string): Section => {
    const given = config[name];
    return isSection(given) ? given : {};
  };
  const has = (name: string, key: string): boolean => section(name)[key] !== undefined;
  const isInEpochs = !has('train', 'numSteps');
  const warmsUp = isInEpochs && !has('optimizer', 'numWarmupSteps');
  const isAnswer = config['task']['kind'] === 'answer';
  return {
    ...config,
    examples: { maxSeqLength: isAnswer ? 384 : 128, ...section('examples') },
    optimizer: {
      learningRate: 5e-5,
      ...(warmsUp && { warmupRatio: 0.1 }),
      ...section('optimizer'),
    },
    train: {
      globalBatch: 32,
      ...(isInEpochs && { numEpochs: 3 }),
      checkpointEverySteps: isInEpochs || has('train', 'evalEverySteps') ? 0 : 100,
      numEvalExamples: allExamples,
      ...section('train'),
    },
  };
}
