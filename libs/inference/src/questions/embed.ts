import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { EmbedResult, Pooling } from '@berth/contracts';
import { requirePooler, type OpenModel } from '../models/open-model.ts';
import { encodeText } from './encode-text.ts';
import { encoderBatch } from './encoder-batch.ts';

/** Tokens of a forward pass, padding counted: what keeps a processor busy and little memory. */
const tokensPerBatch = 4_096;

/**
 * One vector for each text, in their order. Texts of like length are computed together. One that is longer than the model takes
 * is cut, as sentence-transformers does.
 * @throws BerthError `MODEL_UNSUITABLE` for `pooled` without a pooler
 */
export async function embed(
  model: OpenModel,
  texts: readonly string[],
  { pooling, isNormalized }: { readonly pooling: Pooling; readonly isNormalized: boolean },
): Promise<EmbedResult> {
  if (pooling === 'pooled') requirePooler(model);
  const { maxPositions } = model.source.model;
  const { sepId } = model.tokenizer.vocabulary;
  let numCut = 0;
  const rows = texts.map((text) => {
    const ids = encodeText(model, text);
    if (ids.length <= maxPositions) return ids;
    numCut++;
    return [...ids.slice(0, maxPositions - 1), sepId];
  });
  const vectors: number[][] = Array.from(rows, () => []);
  const byLength = [...rows.keys()].sort((a, b) => rows[b]!.length - rows[a]!.length);
  for (let start = 0; start < byLength.length;) {
    const longest = rows[byLength[start]!]!.length;
    const end = start + Math.max(1, Math.floor(tokensPerBatch / longest));
    const chosen = byLength.slice(start, end);
    const batch = encoderBatch(
      model.engine.task,
      chosen.map((index) => rows[index]!),
    );
    const flat = model.engine.embed(batch, pooling);
    const size = flat.length / chosen.length;
    for (const [place, index] of chosen.entries()) {
      const vector = flat.subarray(place * size, (place + 1) * size);
      vectors[index] = Array.from(isNormalized ? normalized(vector) : vector, shortest);
    }
    start = end;
    await yieldToOthers();
  }
  return { where: model.where, vectors, numTokens: rows.map(({ length }) => length), numCut };
}

/** Of length 1; one of zeros stays. */
function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** The double with the fewest digits that is the same float32. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}
