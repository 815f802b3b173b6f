import type { RowProblems } from '../../rows/input-errors.ts';
import { inputInvalid } from '../../rows/input-errors.ts';
import type { RowPlace } from '../../rows/row.ts';

/** The classes of a data set in the order of their numbers, and how often each is there. */
export interface LabelCensus {
  readonly labels: readonly string[];
  readonly counts: readonly number[];
}

/** A label as text, or what is wrong with it. */
export type LabelReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** A label may be a text, a whole number, or true or false. */
export function readLabel(value: unknown): LabelReading {
  if (value === undefined || value === null || value === '')
    return { ok: false, problem: 'has no label: give it one, or remove the row' };
  if (typeof value === 'string' || typeof value === 'boolean')
    return { ok: true, text: String(value) };
  if (typeof value === 'number' && Number.isInteger(value))
    return { ok: true, text: String(value) };
  const what = typeof value === 'number' ? `the number ${value}` : 'a list or an object';
  return {
    ok: false,
    problem: `its label is ${what}: a class is a text or a whole number`,
  };
}

/** Counts labels on the way through a file. */
export interface LabelCounter {
  /** @returns the label as text; undefined when it was a problem */
  add(value: unknown, place: RowPlace): string | undefined;
  /** @throws BerthError `DATA_INPUT_INVALID` when a class that was given is nowhere, or there are fewer than two */
  finish(path: string): LabelCensus;
}

/** @param given - the only ones allowed, in the order of their numbers */
export function createLabelCounter(problems: RowProblems, given?: readonly string[]): LabelCounter {
  const numOf = new Map<string, number>((given ?? []).map((label) => [label, 0]));
  let firstKind: { readonly kind: string; readonly at: string } | undefined;
  return {
    add: (value, place) => {
      const reading = readLabel(value);
      if (!reading.ok) {
        problems.add('label', place, reading.problem);
        return undefined;
      }
      const kind = typeof value;
      firstKind ??= { kind, at: place.at };
      if (kind !== firstKind.kind) {
        problems.add(
          'kind of label',
          place,
          `its label is a ${kind}, and that of ${firstKind.at} a ${firstKind.kind}: write all labels in one way`,
        );
        return undefined;
      }
      const { text } = reading;
      const count = numOf.get(text);
      if (count === undefined && given !== undefined) {
        problems.add('unknown label', place, unknownLabel(text, given));
        return undefined;
      }
      numOf.set(text, (count ?? 0) + 1);
      return text;
    },
    finish: (path) => {
      const labels = given ?? sortLabels([...numOf.keys()]);
      const empty = labels.find((label) => numOf.get(label) === 0);
      if (empty !== undefined)
        throw inputInvalid(
          path,
          `no row has the label ${quote(empty)}: a class cannot be learnt from nothing; add rows, or remove it from the labels`,
        );
      if (labels.length < 2)
        throw inputInvalid(
          path,
          `all rows have the label ${quote(labels[0] ?? '')}: a classifier needs at least two classes`,
        );
      return { labels, counts: labels.map((label) => numOf.get(label)!) };
    },
  };
}

/** What is said of a label that is none of those that were learnt. */
export function unknownLabel(label: string, labels: readonly string[]): string {
  const some = labels.slice(0, 10).map(quote).join(', ');
  const more = labels.length > 10 ? `, … (${labels.length})` : '';
  return `its label ${quote(label)} is none of ${some}${more}: correct it, or train with it`;
}

/** In ascending order: as numbers if all are whole numbers, otherwise as texts. */
export function sortLabels(labels: readonly string[]): string[] {
  const areNumbers = labels.every((label) => /^-?(?:0|[1-9]\d*)$/.test(label));
  return labels.toSorted((a, b) => (areNumbers ? Number(a) - Number(b) : a < b ? -1 : 1));
}

/**
 * The weights that make all classes count the same: n / (classes * count), as scikit-learn's `class_weight="balanced"`.
 * @param counts - all more than 0
 */
export function balancedWeights(counts: readonly number[]): number[] {
  const numAll = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => numAll / (counts.length * count));
}

/**
 * The weights that make the rows that have a class count as much as those that do not, where a row may have several: what
 * PyTorch advises for `pos_weight`. A class that all rows have has nothing to be balanced with.
 * @param counts - rows that have each, all more than 0
 */
export function balancedPositiveWeights(counts: readonly number[], numRows: number): number[] {
  return counts.map((count) => (count === numRows ? 1 : (numRows - count) / count));
}

const maxQuoted = 40;

function quote(label: string): string {
  return JSON.stringify(label.length > maxQuoted ? `${label.slice(0, maxQuoted)}…` : label);
}
