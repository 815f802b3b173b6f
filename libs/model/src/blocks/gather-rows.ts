// Shapes: V rows of the table, R rows taken, H hidden.
import { gather, unsortedSegmentSum, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import { withGradient } from './with-gradient.ts';

/** Rows of a table by number (int32). The gradient is dense: rows taken more than once add up, in order of `rows_R`. */
export function gatherRows(table_VH: Tensor2D, rows_R: Tensor1D): Tensor2D {
  const numRows = table_VH.shape[0];
  return withGradient(
    [table_VH],
    () => ({ output: gather(table_VH, rows_R), saved: [rows_R] }),
    (dy_RH, [rows_R]) => [unsortedSegmentSum(dy_RH, rows_R, numRows)],
  );
}
