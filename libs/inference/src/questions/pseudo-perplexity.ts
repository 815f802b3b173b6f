import { setImmediate as yieldToOthers } from 'node:timers/promises';
import {
  allocateBatch,
  columnOf,
  type EvaluateResult,
  type ExampleBatch,
  type TokenPrediction,
} from '@berth/contracts';
import { tokenPredictionOf, type OpenModel } from '../models/open-model.ts';

/** Copies of an example in one forward pass. */
const numCopies = 32;

/** What is masked in a copy of an example: the token at `position`, which is asked for, and those after it before `end`. */
interface Blank {
  readonly position: number;
  readonly end: number;
  /** It counts among tokens, masked alone; among words, when nothing of its word stands after it. */
  readonly counts: readonly ('token' | 'word')[];
}

/**
 * Pseudo-perplexity: each token of the examples, special ones not, is masked alone and predicted from all others (Salazar et
 * al. 2020, arXiv 1910.14659). Pieces of one word give each other away, so the probability of a word is taken from the left: with
 * the pieces after it masked too (Kauf and Ivanova 2023, arXiv 2305.10588). That of a word does not depend on how many pieces
 * a vocabulary cuts it into.
 * @throws BerthError `MODEL_UNSUITABLE` when the model predicts no tokens
 */
export async function pseudoPerplexityOf(
  model: OpenModel,
  batches: Iterable<ExampleBatch>,
): Promise<NonNullable<EvaluateResult['pseudoPerplexity']>> {
  const names = tokenPredictionOf(model);
  const { engine, tokenizer } = model;
  const { vocabulary } = tokenizer;
  const loss = engine.task.losses.find(({ name }) => name === names.loss)!;
  const isSpecial = new Set([vocabulary.clsId, vocabulary.sepId, vocabulary.padId]);
  const kindOf = (id: number): Piece => {
    if (isSpecial.has(id)) return 'special';
    return vocabulary.tokens[id]?.startsWith('##') === true ? 'goes on' : 'begins';
  };
  const total = { token: 0, word: 0 };
  let numTokens = 0;
  let numWords = 0;
  for (const batch of batches)
    for (let example = 0; example < batch.batchSize; example++) {
      const original = originalOf(batch, example, names);
      const pieces = Array.from(original.ids, kindOf);
      const blanks = blanksOf(pieces);
      for (let start = 0; start < blanks.length; start += numCopies) {
        const some = blanks.slice(start, start + numCopies);
        const sums = engine.evaluate(copiesOf(model, names, original, some));
        for (const [copy, { counts }] of some.entries())
          for (const unit of counts) total[unit] += sums[copy]?.[loss.sum] ?? Number.NaN;
        await yieldToOthers();
      }
      const numPieces = pieces.filter((piece) => piece !== 'special').length;
      numTokens += numPieces;
      numWords += pieces.filter((piece, at) => beginsWord(pieces, at, piece)).length;
    }
  return {
    perToken: Math.exp(total.token / (numTokens || 1)),
    perWord: Math.exp(total.word / (numWords || 1)),
    numTokens,
    numWords,
  };
}

type Piece = 'special' | 'begins' | 'goes on';

/** An example may begin in the middle of a word. */
function beginsWord(pieces: readonly Piece[], at: number, piece: Piece): boolean {
  return piece === 'begins' || (piece === 'goes on' && pieces[at - 1] === 'special');
}

function blanksOf(pieces: readonly Piece[]): Blank[] {
  return pieces.flatMap((piece, position): Blank[] => {
    if (piece === 'special') return [];
    let end = position + 1;
    while (pieces[end] === 'goes on') end++;
    if (end === position + 1) return [{ position, end, counts: ['token', 'word'] }];
    return [
      { position, end: position + 1, counts: ['token'] },
      { position, end, counts: ['word'] },
    ];
  });
}

function copiesOf(
  { engine, tokenizer }: OpenModel,
  names: TokenPrediction,
  { ids, segments }: Original,
  blanks: readonly Blank[],
): ExampleBatch {
  const shape = { batchSize: blanks.length, maxSeqLength: ids.length, maxPredictions: 1 };
  const copies = allocateBatch(engine.task, shape);
  const inputIds = columnOf(copies, 'inputIds');
  for (const [row, { position, end }] of blanks.entries()) {
    const from = row * ids.length;
    inputIds.set(ids, from);
    inputIds.fill(tokenizer.vocabulary.maskId, from + position, from + end);
    columnOf(copies, 'inputMask').fill(1, from, from + ids.length);
    columnOf(copies, 'segmentIds').set(segments, from);
    columnOf(copies, names.positions)[row] = position;
    columnOf(copies, names.tokens)[row] = ids[position]!;
    columnOf(copies, names.weights)[row] = 1;
  }
  return copies;
}

interface Original {
  readonly ids: Int32Array;
  readonly segments: Int32Array;
}

/** The tokens of an example as they were before they were masked, without padding. */
function originalOf(batch: ExampleBatch, example: number, names: TokenPrediction): Original {
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
