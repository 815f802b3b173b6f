import { resolve } from 'node:path';
import { BerthError, type EvaluateRowsResult, type FineTuningReport } from '@berth/contracts';
import { formatCount, formatTable, plural } from './format.ts';

/** Names of columns; those that people use when left out. */
export interface ColumnOptions {
  readonly text?: string;
  readonly pair?: string;
  readonly label?: string;
  readonly words?: string;
  readonly tags?: string;
}

/**
 * Which rows the options ask a fine-tuned model to be measured on: all of a file, or of what its run holds out.
 * @throws BerthError `USAGE` for options of pre-training
 */
export function rowsOf(
  options: ColumnOptions & {
    readonly on?: string;
    readonly examples?: number;
    readonly seqLength?: number;
    readonly pseudoPerplexity: boolean;
  },
): {
  readonly path?: string;
  readonly columns?: ColumnOptions;
  readonly maxSeqLength?: number;
} {
  const { on, examples, seqLength, pseudoPerplexity, text, pair, label, words, tags } = options;
  if (examples !== undefined || pseudoPerplexity)
    throw new BerthError(
      'USAGE',
      `A fine-tuned model is measured on all rows by what it says of them: leave out ${pseudoPerplexity ? '--pseudo-perplexity' : '--examples'}`,
    );
  if (on?.trim() === '')
    throw new BerthError('USAGE', '--on is empty: name a file of rows with labels');
  if (on === undefined && seqLength !== undefined)
    throw new BerthError(
      'USAGE',
      'What a run holds out has the length that it was made with: leave out --seq-length, or name a file by --on',
    );
  const given = Object.entries({ text, pair, label, words, tags }).filter(
    ([, name]) => name !== undefined,
  );
  return {
    ...(on !== undefined && { path: resolve(on) }),
    ...(given.length > 0 && { columns: Object.fromEntries(given) }),
    ...(seqLength !== undefined && { maxSeqLength: seqLength }),
  };
}

const maxScores = 30;

/** The metrics of a report, each with what knowing nothing reaches, and the scores of its classes. */
export function describeRows(
  { where, report, numTokens }: EvaluateRowsResult,
  on: string | undefined,
): string {
  const { metrics, numExamples, numUnseenWords, answers } = report;
  const names = Object.keys(metrics);
  const width = Math.max(0, ...names.map((name) => name.length));
  const what = report.kind === 'answer' ? 'question' : 'row';
  const from = on === undefined ? 'held out of its training data' : `of ${on}`;
  return [
    `${where}, on ${plural(numExamples, what)} ${from}, ${plural(numTokens, 'token')}`,
    ...names.map((name) => `  ${name.padEnd(width)}  ${valueOf(report, name)}`),
    ...scoresOf(report),
    ...(numUnseenWords ? [`${plural(numUnseenWords, 'word')} behind the limit, not found`] : []),
    ...(answers?.numIncomplete ? [`${plural(answers.numIncomplete, what)} left out`] : []),
  ].join('\n');
}

function valueOf({ metrics, baselines }: FineTuningReport, name: string): string {
  const value = metrics[name];
  const known = baselines.flatMap(({ label, metrics: reached }) =>
    reached[name] === undefined ? [] : [`${label} ${reached[name].toFixed(3)}`],
  );
  const shown = typeof value === 'number' ? value.toFixed(3) : 'not defined';
  return known.length === 0 ? shown : `${shown}  (${known.join(', ')})`;
}

function scoresOf({ scores }: FineTuningReport): string[] {
  if (scores === undefined) return [];
  const shown = scores.rows.slice(0, maxScores);
  const numOthers = scores.rows.length - shown.length + scores.numLeftOut;
  const table = formatTable([
    [scores.of, 'precision', 'recall', 'f1', 'support'],
    ...shown.map(({ label, precision, recall, f1, support }) => [
      label,
      precision.toFixed(3),
      recall.toFixed(3),
      f1.toFixed(3),
      formatCount(support),
    ]),
  ]);
  return ['', table, ...(numOthers > 0 ? [`and ${plural(numOthers, 'other')}, in --json`] : [])];
}
