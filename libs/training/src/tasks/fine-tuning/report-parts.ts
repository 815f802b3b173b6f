import {
  baselineName,
  BerthError,
  fineTuningTask,
  labelsOf,
  reportLimits,
  type FineTuning,
  type FineTuningReport,
  type Outputs,
} from '@berth/contracts';
import { cutText, type HeldOutRow, type TextRow, type WindowRow, type WordRow } from '@berth/data';
import { scoresOf, type ConfusionMatrix, type Counts, type Scores } from '@berth/metrics';

type Baselines = FineTuningReport['baselines'];

/** What reports of all kinds begin with. */
export function beginReport(
  fineTuning: FineTuning,
): Pick<FineTuningReport, 'format' | 'kind' | 'labels'> {
  return {
    format: 'berth-fine-tuning-report/1',
    kind: fineTuning.kind,
    labels: labelsOf(fineTuning).map(cutLabel),
  };
}

/** What one predictor that has learnt nothing reaches, in the metrics that the task compares with it. */
export function baseline(
  fineTuning: FineTuning,
  predictor: string,
  reached: Readonly<Record<string, number>>,
): Baselines {
  const own = fineTuningTask(fineTuning).baselines.filter(
    ({ name, metric }) => name === baselineName(metric, predictor),
  );
  const metrics = own.map(({ metric }) => [metric, reached[metric]!] as const);
  return [{ name: predictor, label: own[0]!.label, metrics: Object.fromEntries(metrics) }];
}

/** Not-a-number is nothing that can be written down. */
export function definedOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The scores of classes in their order; of too many, of those with the most support. */
export function scoreTable(
  of: NonNullable<FineTuningReport['scores']>['of'],
  classes: readonly { readonly label: string; readonly scores: Scores }[],
): NonNullable<FineTuningReport['scores']> {
  const rows = classes.map(({ label, scores }) => ({ label: cutLabel(label), ...scores }));
  const kept = mostOf(
    rows.map(({ support }) => support),
    reportLimits.classes,
  );
  return { of, rows: kept.map((index) => rows[index]!), numLeftOut: rows.length - kept.length };
}

/** @param counts - of each class; undefined for one that is neither true nor predicted anywhere */
export function scoresOfClasses(
  labels: readonly string[],
  counts: readonly (Counts | undefined)[],
): { readonly label: string; readonly scores: Scores }[] {
  const none: Counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
  return labels.map((label, number) => ({ label, scores: scoresOf(counts[number] ?? none) }));
}

/** The part of a matrix that a report has room for. */
export function boundedConfusion(
  matrix: ConfusionMatrix,
): NonNullable<FineTuningReport['confusion']> {
  const numPredicted = columnSums(matrix);
  const uses = matrix.map((row, number) => sum(row) + numPredicted[number]!);
  const classes = mostOf(uses, reportLimits.confusionClasses);
  const counts = classes.map((row) => classes.map((column) => matrix[row]![column]!));
  return { classes, counts, numLeftOut: sum(matrix.map(sum)) - sum(counts.map(sum)) };
}

/** What was predicted if it is always the class that is most often true: all in its column. */
export function alwaysMostFrequent(matrix: ConfusionMatrix): ConfusionMatrix {
  const support = matrix.map(sum);
  const most = support.indexOf(Math.max(...support));
  return support.map((count, row) =>
    matrix[row]!.map((_, column) => (column === most ? count : 0)),
  );
}

/** The numbers of the largest, in ascending order of their numbers. */
function mostOf(values: readonly number[], max: number): number[] {
  return values
    .map((value, number) => ({ value, number }))
    .sort((a, b) => b.value - a.value || a.number - b.number)
    .slice(0, max)
    .map(({ number }) => number)
    .sort((a, b) => a - b);
}

/** The rows of a kind of task. */
export interface Rows<Row extends HeldOutRow> {
  /** @throws BerthError `INTERNAL` for an example that has none */
  of(example: number): Row;
}

export function textRows(rows: readonly HeldOutRow[]): Rows<TextRow> {
  return rowsWith(rows, (row) => 'texts' in row);
}

export function wordRows(rows: readonly HeldOutRow[]): Rows<WordRow> {
  return rowsWith(rows, (row) => 'words' in row);
}

export function windowRows(rows: readonly HeldOutRow[]): Rows<WindowRow> {
  return rowsWith(rows, (row) => 'question' in row);
}

function rowsWith<Row extends HeldOutRow>(
  rows: readonly HeldOutRow[],
  isOne: (row: HeldOutRow) => row is Row,
): Rows<Row> {
  return {
    of(example) {
      const row = rows[example];
      if (row !== undefined && isOne(row)) return row;
      throw new BerthError(
        'INTERNAL',
        row === undefined
          ? `there are ${rows.length} held-out rows, and none of example ${example}`
          : `the held-out row of example ${example} is one of another task`,
      );
    },
  };
}

/** @throws BerthError `INTERNAL` when the head has no such output, or one of another size */
export function outputOf(outputs: Outputs, name: string, size: number): Float32Array {
  const output = outputs[name];
  if (output?.length === size) return output;
  throw new BerthError(
    'INTERNAL',
    `the head gave ${output === undefined ? `no ${name}` : `${output.length} ${name} instead of ${size}`}`,
  );
}

function cutLabel(label: string): string {
  return cutText(label, 100);
}

function columnSums(matrix: ConfusionMatrix): number[] {
  return matrix.map((_, column) => sum(matrix.map((row) => row[column]!)));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
