import {
  BerthError,
  columnOf,
  type Candidate,
  type FillMaskResult,
  type FilledText,
  type TokenPrediction,
} from '@berth/contracts';
import { tokenPredictionOf, type OpenModel } from '../models/open-model.ts';
import { encodeText, requireFits } from './encode-text.ts';
import { encoderBatch } from './encoder-batch.ts';

/**
 * What a model would put in the place of each [MASK]: a probability over its whole vocabulary.
 * @throws BerthError `MODEL_INPUT_INVALID` for a text without [MASK], or longer than the model takes, `MODEL_UNSUITABLE`
 */
export function fillMask(
  model: OpenModel,
  texts: readonly string[],
  numCandidates: number,
): FillMaskResult {
  const prediction = tokenPredictionOf(model);
  return {
    where: model.where,
    texts: texts.map((text) => fillText(model, prediction, text, numCandidates)),
  };
}

function fillText(
  model: OpenModel,
  prediction: TokenPrediction,
  text: string,
  numCandidates: number,
): FilledText {
  const { engine, tokenizer } = model;
  const { tokens, maskId } = tokenizer.vocabulary;
  const ids = encodeText(model, text);
  requireFits(model, ids.length);
  const positions = ids.flatMap((id, position) => (id === maskId ? [position] : []));
  if (positions.length === 0)
    throw new BerthError(
      'MODEL_INPUT_INVALID',
      'The text has no [MASK]: write [MASK] where a word is to be filled in',
    );
  const batch = encoderBatch(engine.task, [ids], positions.length);
  columnOf(batch, prediction.positions).set(positions);
  const logits = engine.predict(batch)[prediction.logits]!;
  const numEntries = logits.length / positions.length;
  return {
    tokens: ids.map((id) => tokens[id] ?? ''),
    masks: positions.map((position, mask) => ({
      position,
      candidates: likeliest(
        logits.subarray(mask * numEntries, (mask + 1) * numEntries),
        numCandidates,
      ).map(({ id, probability }): Candidate => ({ token: tokens[id] ?? '', probability })),
    })),
  };
}

/** The entries with the largest probabilities by the softmax of logits, likeliest first. */
function likeliest(
  logits: Float32Array,
  count: number,
): { readonly id: number; readonly probability: number }[] {
  const most = logits.reduce((max, logit) => Math.max(max, logit), -Infinity);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return Array.from(logits, (logit, id) => ({ id, logit }))
    .sort((a, b) => b.logit - a.logit)
    .slice(0, count)
    .map(({ id, logit }) => ({ id, probability: Math.exp(logit - most) / total }));
}
