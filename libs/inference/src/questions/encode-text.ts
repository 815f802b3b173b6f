import { BerthError } from '@berth/contracts';
import { specialTokens } from '@berth/data';
import type { OpenModel } from '../models/open-model.ts';

const special = new RegExp(
  `(${specialTokens.map((token) => token.replaceAll(/[[\]]/g, String.raw`\$&`)).join('|')})`,
);

/**
 * The ids of a text as one segment, [CLS] and [SEP] around it. Special tokens that are written out stand for themselves, as in
 * Hugging Face's tokenizers; any other text is tokenised as in training.
 */
export function encodeText({ tokenizer }: Pick<OpenModel, 'tokenizer'>, text: string): number[] {
  const { vocabulary } = tokenizer;
  const ids = text.split(special).flatMap((part) => {
    const id = special.test(part) ? vocabulary.ids.get(part) : undefined;
    return id === undefined ? tokenizer.tokenize(part) : [id];
  });
  return [vocabulary.clsId, ...ids, vocabulary.sepId];
}

/** @throws BerthError `MODEL_INPUT_INVALID` when there are more tokens than the model has positions for */
export function requireFits(
  { source, where }: Pick<OpenModel, 'source' | 'where'>,
  numTokens: number,
): void {
  const { maxPositions } = source.model;
  if (numTokens <= maxPositions) return;
  throw new BerthError(
    'MODEL_INPUT_INVALID',
    `The text has ${numTokens} tokens with [CLS] and [SEP], and ${where} takes at most ${maxPositions}: shorten it`,
    { details: { numTokens, maxPositions } },
  );
}
