import { canonicalJson, sha256Hex } from '@berth/contracts';
import type { Row, RowSource } from '../../rows/row.ts';

/** The rows of a file in two parts, each read anew. */
export interface SplitRows {
  readonly train: RowSource;
  readonly heldOut: RowSource;
}

/**
 * Holds some rows out, by what they say: rows that are equal but for their ids are on one side, and so are questions about one context.
 * More rows in the file move none of the others.
 */
export function holdOutRows({ path, rows }: RowSource, ratio: number): SplitRows {
  const part = (isHeldOut: boolean): RowSource => ({
    path,
    async *rows() {
      // What is wrong with a row is told once.
      for await (const row of rows())
        if (isHeldOut === (row.problem === undefined && placeOf(row) < ratio)) yield row;
    },
  });
  return { train: part(false), heldOut: part(true) };
}

/** Evenly between 0 and 1. */
function placeOf({ values: { id: _id, context, ...values } }: Row): number {
  const text = canonicalJson(typeof context === 'string' ? context : values);
  return Number.parseInt(sha256Hex(text).slice(0, 8), 16) / 2 ** 32;
}
