import { z } from 'zod';
import { defaultNumSteps } from '../../limits.ts';
import type { RunConfig } from '../../run-config.ts';
import { isSection } from '../../section.ts';
import { pretrainingSettings } from '../pretraining-settings.ts';
import { metricsOfKind } from './metrics-of-kind.ts';
import type { FineTuningSection } from './settings.ts';

/** A setting that does not go with the others. */
export interface SettingProblem {
  readonly key: string;
  readonly problem: string;
}

type Kind = FineTuningSection['kind'];
const withClasses: readonly Kind[] = ['classify', 'classify-many', 'tag'];
const onlyAnswer: readonly Kind[] = ['answer'];

/** Settings that only some kinds have. */
const kindsWith: Readonly<Partial<Record<keyof FineTuningSection, readonly Kind[]>>> = {
  labels: withClasses,
  classWeights: withClasses,
  labelSeparator: ['classify-many'],
  docStride: onlyAnswer,
  maxQueryLength: onlyAnswer,
  maxAnswerLength: onlyAnswer,
  numBest: onlyAnswer,
};

const textColumns = ['text', 'pair', 'label'];
const columnsOf: Readonly<Record<Kind, readonly string[]>> = {
  classify: textColumns,
  'classify-many': textColumns,
  regress: textColumns,
  tag: ['words', 'tags'],
  answer: [],
};

/** The first setting of the section that does not go with its kind. */
export function problemWithFineTuning(section: FineTuningSection): SettingProblem | undefined {
  const { kind, columns = {}, labels = [], classWeights, metric } = section;
  for (const [key, kinds] of Object.entries(kindsWith))
    if (section[key as keyof FineTuningSection] !== undefined && !kinds.includes(kind))
      return {
        key,
        problem: `only ${kinds.join(', ')} ${kinds.length === 1 ? 'has' : 'have'} it, and this is ${kind}: leave it out`,
      };
  if (section.eval !== undefined && section.heldOutRatio !== undefined)
    return {
      key: 'heldOutRatio',
      problem: 'nothing is held out of train where there is an eval: leave one of them out',
    };
  const column = Object.keys(columns).find((name) => !columnsOf[kind].includes(name));
  if (column !== undefined)
    return {
      key: `columns.${column}`,
      problem:
        columnsOf[kind].length === 0
          ? `${kind} reads question, context and answers, as SQuAD calls them`
          : `${kind} has ${columnsOf[kind].join(', ')}`,
    };
  const metrics = metricsOfKind(kind);
  if (metric !== undefined && !metrics.includes(metric))
    return {
      key: 'metric',
      problem: `${metric} is no metric of ${kind}, which has ${metrics.join(', ')}`,
    };
  const twice = labels.find((label, index) => labels.indexOf(label) !== index);
  if (twice !== undefined) return { key: 'labels', problem: `${twice} is there twice` };
  const weighed = typeof classWeights === 'object' ? Object.keys(classWeights) : [];
  const unknown = labels.length === 0 ? undefined : weighed.find((one) => !labels.includes(one));
  if (unknown === undefined) return undefined;
  return { key: 'classWeights', problem: `${unknown} is none of task.labels` };
}

/** A config that was checked before has their defaults. */
const pretrainingOnly: Readonly<Record<string, z.ZodType>> = {
  ...pretrainingSettings,
  corpusWeights: z.undefined(),
};

/** What does not go together in a config as it was written, before defaults hide it. */
export function problemWithWritten(config: unknown): SettingProblem | undefined {
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

/** A config as people are shown it: without keys that a fine-tuning has no use for, and lengths that its epochs will decide. */
export function withoutUnused(config: RunConfig): object {
  const { task, examples, train, optimizer } = config;
  if (task === undefined) return config;
  const without = (section: object, keys: readonly string[]): object =>
    Object.fromEntries(Object.entries(section).filter(([key]) => !keys.includes(key)));
  return {
    ...config,
    examples: without(examples, Object.keys(pretrainingOnly)),
    train: without(train, train.numEpochs === undefined ? [] : ['numSteps']),
    optimizer: without(optimizer, optimizer.warmupRatio === undefined ? [] : ['numWarmupSteps']),
  };
}
