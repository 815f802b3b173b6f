import { maskedLm } from './masked-lm.ts';
import { sequenceColumn, type Task } from './task.ts';

/** The same where a row of a batch has several sequences, which see nothing of each other. A row is an example. */
export const packedMaskedLm: Task = {
  ...maskedLm,
  name: 'packedMaskedLm',
  columns: [...maskedLm.columns, sequenceColumn],
  exampleFormat: 'berth-packed-rows/1',
};
