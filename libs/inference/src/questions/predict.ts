import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  allocateBatch,
  BerthError,
  type Outputs,
  type Prediction,
  type PredictionInput,
  type PredictResult,
} from '@berth/contracts';
import { copyTaskExample } from '@berth/data';
import { fineTuningOf, lengthOf, type OpenModel } from '../models/open-model.ts';
import { createPredictor } from '../tasks/create-predictor.ts';
import type { Reading } from '../tasks/predictor.ts';

/** Tokens of a forward pass, padding counted: what keeps a processor busy and little memory. */
const tokensPerBatch = 4_096;

/**
 * What a fine-tuned model says of each input, in their order. Examples of like length are computed together.
 * @throws BerthError `MODEL_UNSUITABLE` for a model that is not fine-tuned, `MODEL_INPUT_INVALID` for an input that is not of its kind,
 * or a length that it lacks positions for
 */
export async function predict(
  model: OpenModel,
  inputs: readonly PredictionInput[],
  options: { readonly maxSeqLength?: number | undefined },
): Promise<PredictResult> {
  const readings = readingsOf(model, inputs, options);
  const outputs = readings.map(({ examples }): (Outputs | undefined)[] =>
    examples.map(() => undefined),
  );
  const predictions: Prediction[] = [];
  const settle = (index: number): void => {
    const own = outputs[index]!;
    if (!own.every((one) => one !== undefined)) return;
    predictions[index] = readings[index]!.predict(own);
    outputs[index] = [];
  };
  for (const index of readings.keys()) if (outputs[index]!.length === 0) settle(index);
  for (const batch of batchesOf(readings)) {
    for (const [row, found] of predictBatch(model, readings, batch).entries()) {
      const { index, part } = batch[row]!;
      outputs[index]![part] = found;
      settle(index);
    }
    await yieldToOthers();
  }
  return {
    where: model.where,
    predictions,
    numCut: readings.filter(({ isCut }) => isCut).length,
  };
}

function readingsOf(
  model: OpenModel,
  inputs: readonly PredictionInput[],
  { maxSeqLength }: { readonly maxSeqLength?: number | undefined },
): Reading[] {
  const { tokenizer, source, where, reading: answers } = model;
  const fineTuning = fineTuningOf(model);
  const predictor = createPredictor(fineTuning, {
    tokenizer,
    doLowerCase: source.doLowerCase,
    maxSeqLength: lengthOf(model, maxSeqLength),
    answers,
  });
  return inputs.map((input) => {
    const reading = predictor.read(input);
    if (reading !== undefined) return reading;
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      `${where} is fine-tuned to ${fineTuning.kind}, so each input must have ${predictor.reads}, not ${Object.keys(input).join(', ')}`,
    );
  });
}

/** Which example of which reading. */
interface Part {
  readonly index: number;
  readonly part: number;
}

/** The longest first, as many as go into a forward pass. */
function* batchesOf(readings: readonly Reading[]): Generator<Part[]> {
  const lengthOfPart = ({ index, part }: Part): number =>
    readings[index]!.examples[part]!.ids.length;
  const parts = readings
    .flatMap(({ examples }, index) => examples.map((_, part): Part => ({ index, part })))
    .sort((a, b) => lengthOfPart(b) - lengthOfPart(a));
  for (let start = 0; start < parts.length;) {
    const end = start + Math.max(1, Math.floor(tokensPerBatch / lengthOfPart(parts[start]!)));
    yield parts.slice(start, end);
    start = end;
  }
}

/** The outputs of each example. */
function predictBatch(
  { engine }: OpenModel,
  readings: readonly Reading[],
  parts: readonly Part[],
): Outputs[] {
  const examples = parts.map(({ index, part }) => readings[index]!.examples[part]!);
  const shape = {
    batchSize: examples.length,
    maxSeqLength: Math.max(...examples.map(({ ids }) => ids.length)),
    maxPredictions: 0,
  };
  const batch = allocateBatch(engine.task, shape);
  for (const [row, example] of examples.entries())
    copyTaskExample(batch, row, { ...example, columns: {} });
  const outputs = Object.entries(engine.predict(batch));
  return examples.map((_, row) =>
    Object.fromEntries(
      outputs.map(([name, values]) => {
        const size = values.length / examples.length;
        return [name, values.subarray(row * size, (row + 1) * size)] as const;
      }),
    ),
  );
}
