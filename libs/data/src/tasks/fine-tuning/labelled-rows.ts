import { BerthError, maxLabels, type FineTuning, type FineTuningSection } from '@berth/contracts';
import { inputInvalid } from '../../rows/input-errors.ts';
import type { RowSource } from '../../rows/row.ts';
import { createSpanTokenizer } from '../../text/span-tokenizer.ts';
import type { Tokenizer } from '../../text/tokenizer.ts';
import {
  answerWindows,
  defaultWindows,
  type AnswerOptions,
  type AnswerWindow,
} from '../answer/answer-windows.ts';
import { classifyExamples, surveyClasses } from '../classify/classify-examples.ts';
import { regressExamples } from '../regress/regress-examples.ts';
import { surveyTags, tagExamples, type TagExample } from '../tag/tag-examples.ts';
import { balancedPositiveWeights, balancedWeights, type LabelCensus } from './labels.ts';
import { soundRows } from './sound-rows.ts';
import type { TextExample } from './text-pairs.ts';

/** What is known of labelled rows after a first pass. */
export interface RowSurvey {
  readonly fineTuning: FineTuning;
  /** Of each label; absent where there are none. */
  readonly labelCounts?: readonly number[];
  readonly classWeights?: readonly number[];
}

/**
 * Goes through the training rows for their labels.
 * @throws BerthError `DATA_INPUT_INVALID` for rows without a label or with one that was not given, for a class without a row, and
 * for what is wrong with rows of any kind
 */
export async function surveyRows(source: RowSource, task: FineTuningSection): Promise<RowSurvey> {
  const { kind, columns = {}, labelSeparator } = task;
  switch (kind) {
    case 'classify':
    case 'classify-many': {
      const hasMany = kind === 'classify-many';
      const options = { columns: given(columns), hasMany, labelSeparator };
      const { numRows, ...census } = await surveyClasses(source, options, task.labels);
      return withCensus(kind, task, census, (counts) =>
        hasMany ? balancedPositiveWeights(counts, numRows) : balancedWeights(counts),
      );
    }
    case 'tag':
      return withCensus(
        kind,
        task,
        await surveyTags(source, given(columns), task.labels),
        balancedWeights,
      );
    case 'regress':
    case 'answer':
      for await (const _row of soundRows(source));
      return { fineTuning: { kind } };
  }
}

function withCensus(
  kind: 'classify' | 'classify-many' | 'tag',
  { classWeights, train }: FineTuningSection,
  { labels, counts }: LabelCensus,
  balanced: (counts: readonly number[]) => number[],
): RowSurvey {
  if (labels.length > maxLabels)
    throw inputInvalid(
      train,
      `has ${labels.length} different labels, and at most ${maxLabels} can be learnt: is it the right column? task.columns names it`,
    );
  const survey = { fineTuning: { kind, labels }, labelCounts: counts };
  if (classWeights === undefined) return survey;
  if (classWeights === 'balanced') return { ...survey, classWeights: balanced(counts) };
  const unknown = Object.keys(classWeights).find((label) => !labels.includes(label));
  if (unknown !== undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `task.classWeights: ${JSON.stringify(unknown)} is none of the labels, which are ${labels.map((label) => JSON.stringify(label)).join(', ')}`,
    );
  return { ...survey, classWeights: labels.map((label) => classWeights[label] ?? 1) };
}

/** An example of any kind, with what those of its kind have besides. */
export type LabelledExample = TextExample | TagExample | AnswerWindow;

export interface LabelledRowsOptions {
  readonly tokenizer: Tokenizer;
  readonly doLowerCase: boolean;
  readonly maxSeqLength: number;
}

type RowSettings = Pick<
  FineTuningSection,
  'columns' | 'labelSeparator' | 'docStride' | 'maxQueryLength'
>;
type TokenizedOptions = Pick<AnswerOptions, 'tokenizer' | 'tokenizeSpans' | 'maxSeqLength'>;

/**
 * The examples of labelled rows.
 * @throws BerthError `DATA_INPUT_INVALID`, once all rows were seen, for rows that are none
 */
export function examplesOfRows(
  source: RowSource,
  survey: RowSurvey,
  task: RowSettings,
  { doLowerCase, ...options }: LabelledRowsOptions,
): AsyncIterable<LabelledExample> {
  const tokenizeSpans = createSpanTokenizer(options.tokenizer.vocabulary, { doLowerCase });
  return examplesFrom(source, survey, task, { ...options, tokenizeSpans });
}

/** The same, with both tokenisers given. */
export function examplesFrom(
  source: RowSource,
  { fineTuning, classWeights }: RowSurvey,
  task: RowSettings,
  { tokenizer, tokenizeSpans, maxSeqLength }: TokenizedOptions,
): AsyncIterable<LabelledExample> {
  const common = { tokenizer, maxSeqLength, columns: given(task.columns ?? {}) };
  switch (fineTuning.kind) {
    case 'classify':
    case 'classify-many':
      return classifyExamples(source, {
        ...common,
        labels: fineTuning.labels,
        classWeights,
        hasMany: fineTuning.kind === 'classify-many',
        labelSeparator: task.labelSeparator,
      });
    case 'regress':
      return regressExamples(source, common);
    case 'tag':
      return tagExamples(source, { ...common, labels: fineTuning.labels, classWeights });
    case 'answer':
      return answerWindows(source, {
        tokenizer,
        tokenizeSpans,
        maxSeqLength,
        docStride: task.docStride ?? defaultWindows.docStride,
        maxQueryLength: task.maxQueryLength ?? defaultWindows.maxQueryLength,
      });
  }
}

/** Without those that are left out. */
function given<T extends object>(columns: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(columns).filter(([, name]) => name !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
