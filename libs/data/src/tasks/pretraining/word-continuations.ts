import { BerthError, type TextRules } from '@berth/contracts';
import type { TokenIds } from '../../dataset/token-documents.ts';
import { ownTextRules } from '../../text/text-rules.ts';
import { continuationPrefix } from '../../text/vocabulary.ts';

/** Marks with 1 each token that belongs to the same word as the token before it. */
export type WordContinuations = (ids: TokenIds) => Uint8Array;

/** As google-research/bert: pieces that begin with "##" continue a word. */
export function createPieceContinuations(tokens: readonly string[]): WordContinuations {
  const isPiece = flagsOf(tokens, (token) => token.startsWith(continuationPrefix));
  return (ids) => Uint8Array.from(ids, (id) => isPiece[id]!);
}

/**
 * The same, but where a script writes words without spaces between them, Unicode word segmentation tells them apart:
 * there an ideograph is a token of its own, and a whole phrase of Thai one "word" of many pieces.
 * @param textRules - of the engine that made the dataset; undefined where that was not noted
 * @throws BerthError `DATA_TEXT_RULES` when the vocabulary has such a script and this engine's rules are others
 */
export function createWordContinuations(
  tokens: readonly string[],
  textRules?: TextRules,
): WordContinuations {
  const ofPieces = createPieceContinuations(tokens);
  const isUnspaced = flagsOf(tokens, (token) => unspaced.test(bare(token)));
  if (textRules !== undefined && isUnspaced.includes(1)) requireSame(textRules, ownTextRules());
  return (ids) => {
    const continues = ofPieces(ids);
    for (let start = 0; start < ids.length; start++) {
      if (isUnspaced[ids[start]!] === 0) continue;
      let end = start + 1;
      while (end < ids.length && isUnspaced[ids[end]!] === 1) end += 1;
      const texts = Array.from(ids.subarray(start, end), (id) => tokens[id]!);
      markRun(continues.subarray(start, end), texts);
      start = end;
    }
    return continues;
  };
}

/** Examples are to have the same bytes whichever worker makes them. */
function requireSame(ofDataset: TextRules, own: TextRules): void {
  if (own.unicode === ofDataset.unicode && own.icu === ofDataset.icu) return;
  const name = ({ unicode, icu }: TextRules): string => `Unicode ${unicode} and ICU ${icu}`;
  throw new BerthError(
    'DATA_TEXT_RULES',
    `Node ${process.versions.node} of this worker tells words apart by ${name(own)}, the dataset was made by ` +
      `${name(ofDataset)}: whole word masks of scripts without spaces could differ. Give all workers one Node release`,
  );
}

const unspaced =
  /^[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}\p{Script_Extensions=Thai}\p{Script_Extensions=Lao}\p{Script_Extensions=Khmer}\p{Script_Extensions=Myanmar}]+$/u;
const ideographs =
  /^[\p{Script_Extensions=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}]+$/u;

const segmenter = new Intl.Segmenter('und', { granularity: 'word' });

/** A token continues a word unless a word begins in it or, for what follows a space, at it. */
function markRun(continues: Uint8Array, texts: readonly string[]): void {
  const starts = new Set<number>();
  for (const { index } of segmenter.segment(texts.map(bare).join(''))) starts.add(index);
  let offset = 0;
  let previousLength = 0;
  for (const [position, text] of texts.entries()) {
    const { length } = bare(text);
    let begins = position === 0 ? continues[0] === 0 : false;
    for (let i = offset - previousLength + 1; i <= offset; i++) begins ||= starts.has(i);
    const isApart = !text.startsWith(continuationPrefix) && !ideographs.test(text);
    continues[position] = begins || isApart ? 0 : 1;
    offset += length;
    previousLength = length;
  }
}

function bare(token: string): string {
  return token.startsWith(continuationPrefix) ? token.slice(continuationPrefix.length) : token;
}

function flagsOf(tokens: readonly string[], isSo: (token: string) => boolean): Uint8Array {
  return Uint8Array.from(tokens, (token) => (isSo(token) ? 1 : 0));
}
