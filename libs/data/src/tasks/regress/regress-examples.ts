import type { RowSource } from '../../rows/row.ts';
import {
  textExamples,
  type TextExample,
  type TextExampleOptions,
} from '../fine-tuning/text-pairs.ts';

/**
 * Examples of `regress`.
 * @throws BerthError `DATA_INPUT_INVALID`, once all rows were seen, for rows that are none, such as one whose target is no number
 */
export function regressExamples(
  source: RowSource,
  options: TextExampleOptions,
): AsyncGenerator<TextExample> {
  return textExamples(source, options, (value, { place }, problems) => {
    const target = numberOf(value);
    // It is learnt in 32 bits.
    if (Number.isFinite(Math.fround(target))) return { targets: target };
    const what =
      value === undefined || value === null || value === ''
        ? 'has no target'
        : 'its target is not a finite number of 32 bits';
    problems.add('target', place, `${what}: write a number such as 3.5, or remove the row`);
    return undefined;
  });
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : NaN;
}
