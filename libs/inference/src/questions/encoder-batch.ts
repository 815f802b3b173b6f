import { allocateBatch, columnOf, type ExampleBatch, type Task } from '@berth/contracts';

/**
 * A batch of token ids in one segment, padded to the longest.
 * @param maxPredictions - slots of each row for what is predicted
 */
export function encoderBatch(
  task: Task,
  rows: readonly (readonly number[])[],
  maxPredictions = 0,
): ExampleBatch {
  const maxSeqLength = Math.max(1, ...rows.map(({ length }) => length));
  const batch = allocateBatch(task, { batchSize: rows.length, maxSeqLength, maxPredictions });
  const [inputIds, inputMask] = [columnOf(batch, 'inputIds'), columnOf(batch, 'inputMask')];
  for (const [row, ids] of rows.entries()) {
    const start = row * maxSeqLength;
    inputIds.set(ids, start);
    inputMask.fill(1, start, start + ids.length);
  }
  return batch;
}
