import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { allocateBatch, columnOf, type EvaluateResult, type ExampleBatch } from '@berth/contracts';
import { tokenPredictionOf, type OpenModel } from '../models/open-model.ts';

/** Copies of an example in one forward pass. */
const numCopies = 32;

/**
 * Pseudo-perplexity as of Salazar et al. 2020: each token of the examples, special ones not, is masked alone and predicted from
 * all others; e to the mean of -ln p.
 * @throws BerthError `MODEL_UNSUITABLE` when the model predicts no tokens
 */
export async function oneByOne(
  model: OpenModel,
  batches: Iterable<ExampleBatch>,
): Promise<EvaluateResult['oneByOne']> {
  const names = tokenPredictionOf(model);
  const { engine, tokenizer } = model;
  const { vocabulary } = tokenizer;
  const isSpecial = new Set([vocabulary.clsId, vocabulary.sepId, vocabulary.padId]);
  const loss = engine.task.losses.find(({ name }) => name === names.loss)!;
  let total = 0;
  let numTokens = 0;
  for (const batch of batches)
    for (let example = 0; example < batch.batchSize; example++) {
      const { ids, segments } = originalOf(batch, example, names);
      const positions = [...ids.keys()].filter((position) => !isSpecial.has(ids[position]!));
      for (let start = 0; start < positions.length; start += numCopies) {
        const masked = positions.slice(start, start + numCopies);
        const shape = { batchSize: masked.length, maxSeqLength: ids.length, maxPredictions: 1 };
        const copies = allocateBatch(engine.task, shape);
        for (const [row, position] of masked.entries()) {
          const from = row * ids.length;
          columnOf(copies, 'inputIds').set(ids, from);
          columnOf(copies, 'inputIds')[from + position] = vocabulary.maskId;
          columnOf(copies, 'inputMask').fill(1, from, from + ids.length);
          columnOf(copies, 'segmentIds').set(segments, from);
          columnOf(copies, names.positions)[row] = position;
          columnOf(copies, names.tokens)[row] = ids[position]!;
          columnOf(copies, names.weights)[row] = 1;
        }
        for (const sums of engine.evaluate(copies)) total += sums[loss.sum] ?? Number.NaN;
        numTokens += masked.length;
        await yieldToOthers();
      }
    }
  return { pseudoPerplexity: Math.exp(total / (numTokens || 1)), numTokens };
}

/** The tokens of an example as they were before they were masked, without padding. */
function originalOf(
  batch: ExampleBatch,
  example: number,
  names: { readonly positions: string; readonly tokens: string; readonly weights: string },
): { readonly ids: Int32Array; readonly segments: Int32Array } {
  const rowOf = (name: string): Int32Array => {
    const column = columnOf(batch, name);
    const size = column.length / batch.batchSize;
    return Int32Array.from(column.subarray(example * size, (example + 1) * size));
  };
  const length = rowOf('inputMask').reduce((sum, mask) => sum + mask, 0);
  const ids = rowOf('inputIds').slice(0, length);
  const [positions, tokens, weights] = [names.positions, names.tokens, names.weights].map(rowOf);
  for (const [slot, weight] of weights!.entries())
    if (weight > 0) ids[positions![slot]!] = tokens![slot]!;
  return { ids, segments: rowOf('segmentIds').slice(0, length) };
}
