import { formatCount } from '../format.ts';
import type { Outcome } from './outcome.ts';

/** A task, and what runs reached that differ in their seed only. */
export interface Compared {
  readonly question: string;
  readonly fromScratch: readonly Outcome[];
  readonly pretrained: readonly Outcome[];
}

/**
 * The tasks as a table in Markdown, padded, so that it reads well as it is. In percent: mean ± standard deviation over the seeds (least
 * to most).
 */
export function comparisonTable(compared: readonly Compared[]): string {
  const header = [
    'task',
    'learns from',
    'evaluated on',
    'metric',
    'always the same',
    'from scratch',
    'pre-trained',
    'a run takes',
  ];
  const rows = compared.map(({ question, fromScratch, pretrained }) => {
    const [{ metric, baseline, numTrain, numEval }] = pretrained as readonly [Outcome];
    const seconds = meanOf([...fromScratch, ...pretrained].map((outcome) => outcome.seconds));
    return [
      question,
      formatCount(numTrain),
      formatCount(numEval),
      metric,
      percent(baseline),
      spread(fromScratch),
      spread(pretrained),
      `${Math.round(seconds)} s`,
    ];
  });
  const widths = header.map((_, column) =>
    Math.max(...[header, ...rows].map((row) => row[column]!.length)),
  );
  const lines = [header, widths.map((width) => '-'.repeat(width)), ...rows];
  return lines
    .map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |\n`)
    .join('');
}

/** Whether each run of the pre-trained model is better than each from scratch, and each of these than saying always the same. */
export function isAbove({ fromScratch, pretrained }: Compared): boolean {
  const valuesOf = (outcomes: readonly Outcome[]): number[] => outcomes.map(({ value }) => value);
  const [least, most] = [Math.min(...valuesOf(pretrained)), Math.max(...valuesOf(fromScratch))];
  return least > most && fromScratch.every(({ value, baseline }) => value > baseline);
}

function spread(outcomes: readonly Outcome[]): string {
  const values = outcomes.map(({ value }) => value);
  const mean = meanOf(values);
  if (values.length === 1) return percent(mean);
  const squares = values.map((value) => (value - mean) ** 2);
  const deviation = Math.sqrt((meanOf(squares) * values.length) / Math.max(1, values.length - 1));
  const range = `${percent(Math.min(...values))} to ${percent(Math.max(...values))}`;
  return `${percent(mean)} ± ${percent(deviation)} (${range})`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(ratio: number): string {
  return (100 * ratio).toFixed(1);
}
