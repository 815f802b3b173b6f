import type { Value } from '../scope.ts';
import { full } from './constants.ts';
import { oneOutput } from './one-output.ts';
import { reshape } from './shapes.ts';

/** Rows of a table by number. */
export function gatherRows(table: Value, rows: Value): Value {
  const attributes = {
    Tparams: { dtype: table.dtype },
    Tindices: { dtype: rows.dtype },
    Taxis: { dtype: 'int32' },
    batch_dims: { int: 0 },
  } as const;
  const shape = [...rows.shape, ...table.shape.slice(1)];
  const axis = full(table.scope, 0, { dtype: 'int32' });
  return oneOutput(table.scope, 'GatherV2', [table, rows, axis], attributes, table.dtype, shape);
}

/** A table of `numRows` rows: row i is the sum of the given rows whose number is i, in order. */
export function sumRowsByNumber(rows: Value, numbers: Value, numRows: number): Value {
  const { scope, dtype } = rows;
  const attributes = {
    T: { dtype },
    Tindices: { dtype: numbers.dtype },
    Tnumsegments: { dtype: 'int32' },
  } as const;
  const inputs = [rows, numbers, full(scope, numRows, { dtype: 'int32' })];
  return oneOutput(scope, 'UnsortedSegmentSum', inputs, attributes, dtype, [
    numRows,
    ...rows.shape.slice(1),
  ]);
}

/** A table with rows added to the rows of given number, in order. */
export function addToRows(table: Value, numbers: Value, rows: Value): Value {
  const { scope, dtype, shape } = table;
  const attributes = {
    T: { dtype },
    Tindices: { dtype: numbers.dtype },
    bad_indices_policy: { string: '' },
  };
  const indices = reshape(numbers, [...numbers.shape, 1]);
  return oneOutput(scope, 'TensorScatterAdd', [table, indices, rows], attributes, dtype, shape);
}
