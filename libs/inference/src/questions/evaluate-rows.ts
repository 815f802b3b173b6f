import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  allocateBatch,
  BerthError,
  type EvaluateRowsResult,
  type ExampleBatch,
  type ObjectStore,
  type ReadingSettings,
} from '@berth/contracts';
import {
  copyTaskExample,
  examplesOfRows,
  heldOutRowOf,
  labelledExamples,
  openRows,
  readDatasetHeldOutRows,
  readExampleShard,
  type HeldOutRow,
  type TaskExample,
} from '@berth/data';
import { createReportMeter } from '@berth/training';
import { fineTuningOf, lengthOf, type OpenModel } from '../models/open-model.ts';

export interface RowsToEvaluate {
  /** A file of labelled rows; the run's own held-out ones when left out. */
  readonly path?: string | undefined;
  readonly columns?: ReadingSettings['columns'];
  readonly maxSeqLength?: number | undefined;
}

/** Examples with labels, and what tells of them. */
interface EvaluationSet {
  readonly rows: readonly HeldOutRow[];
  readonly numTokens: number;
  readonly maxSeqLength: number;
  /** @param example - its number among the rows */
  lengthOf(example: number): number;
  copyInto(batch: ExampleBatch, row: number, example: number): void;
}

const batchSize = 32;

/**
 * All metrics of a fine-tuned model on labelled rows, computed from what it predicts.
 * @throws BerthError `MODEL_UNSUITABLE` for a model that is not fine-tuned, `MODEL_INPUT_INVALID` for one without rows of its own when
 * no file is named, `DATA_INPUT_*` for rows that are none, and what the store throws
 */
export async function evaluateRows(
  store: () => ObjectStore,
  model: OpenModel,
  asked: RowsToEvaluate,
): Promise<EvaluateRowsResult> {
  const fineTuning = fineTuningOf(model);
  const { engine, reading, where } = model;
  const set = asked.path === undefined ? await ownRows(store, model) : await rowsIn(model, asked);
  const { numBest, maxAnswerLength } = reading;
  const meter = createReportMeter(fineTuning, set.rows, {
    ...(numBest !== undefined && { numBest }),
    ...(maxAnswerLength !== undefined && { maxAnswerLength }),
  });
  const byLength = [...set.rows.keys()].sort((a, b) => set.lengthOf(b) - set.lengthOf(a));
  for (let start = 0; start < byLength.length; start += batchSize) {
    const examples = byLength.slice(start, start + batchSize);
    const batch = allocateBatch(engine.task, {
      batchSize: examples.length,
      maxSeqLength: set.lengthOf(examples[0]!),
      maxPredictions: 0,
    });
    for (const [row, example] of examples.entries()) set.copyInto(batch, row, example);
    meter.add(batch, engine.predict(batch), examples);
    await yieldToOthers();
  }
  const { numTokens, maxSeqLength } = set;
  return { where, report: meter.report(), numTokens, maxSeqLength };
}

/** As training evaluates on them. */
async function ownRows(
  store: () => ObjectStore,
  { labelled, where }: OpenModel,
): Promise<EvaluationSet> {
  if (labelled === undefined)
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `${where} is of no run, so it has no held-out rows of its own: say --on and a file of labelled rows`,
    );
  const { heldOut, fineTuning, maxSeqLength } = labelled;
  const reader = await readExampleShard(store(), heldOut, labelledExamples(fineTuning));
  return {
    rows: await readDatasetHeldOutRows(store(), labelled),
    numTokens: reader.numTokens,
    maxSeqLength,
    lengthOf: () => maxSeqLength,
    copyInto: (batch, row, example) => reader.copyInto(batch, row, example),
  };
}

async function rowsIn(model: OpenModel, asked: RowsToEvaluate): Promise<EvaluationSet> {
  const { source, tokenizer, reading } = model;
  const maxSeqLength = lengthOf(model, asked.maxSeqLength);
  const examples: Omit<TaskExample, 'place'>[] = [];
  const rows: HeldOutRow[] = [];
  const found = examplesOfRows(
    openRows(asked.path!),
    { fineTuning: fineTuningOf(model) },
    { ...reading, columns: { ...reading.columns, ...asked.columns } },
    { tokenizer, doLowerCase: source.doLowerCase, maxSeqLength },
  );
  for await (const example of found) {
    const { ids, numFirstSegment, columns } = example;
    examples.push({ ids, numFirstSegment, columns });
    rows.push(heldOutRowOf(example));
  }
  return {
    rows,
    numTokens: examples.reduce((sum, { ids }) => sum + ids.length, 0),
    maxSeqLength,
    lengthOf: (example) => examples[example]!.ids.length,
    copyInto: (batch, row, example) => copyTaskExample(batch, row, examples[example]!),
  };
}
