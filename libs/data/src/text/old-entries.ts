import { BerthError } from '@berth/contracts';
import type { Vocabulary } from './vocabulary.ts';
import { continuationPrefix } from './vocabulary.ts';
import { createWordPiece } from './wordpiece.ts';

/** Entries that nothing uses, which a vocabulary keeps for its users. */
export const unusedEntry = /^\[unused\d+\]$/;

/**
 * What each entry of an extended vocabulary that the one before lacks was there: its pieces, and [UNK] where that is what it was.
 * @throws BerthError `DATA_MISMATCH` when the vocabulary is not that one, extended
 */
export function oldEntriesOf(before: Vocabulary, now: Vocabulary): Map<number, readonly number[]> {
  const wordPiece = createWordPiece(before);
  const continued = createWordPiece(continuationsOf(before));
  const old = new Map<number, readonly number[]>();
  for (const [id, token] of now.tokens.entries()) {
    const known = before.tokens[id];
    if (token === known) continue;
    if (known !== undefined && !unusedEntry.test(known))
      throw new BerthError(
        'DATA_MISMATCH',
        `Entry ${id} of the vocabulary is ${JSON.stringify(token)}, and ${JSON.stringify(known)} in the model to begin with: ` +
          'leave vocabulary.path out, and the vocabulary is that of the model',
      );
    const ids: number[] = [];
    if (token.startsWith(continuationPrefix))
      continued(token.slice(continuationPrefix.length), ids);
    else wordPiece(token, ids);
    old.set(id, ids);
  }
  if (now.tokens.length >= before.tokens.length) return old;
  throw new BerthError(
    'DATA_MISMATCH',
    `The vocabulary has ${now.tokens.length} entries, and the model to begin with ${before.tokens.length}: ` +
      'leave vocabulary.path out, and the vocabulary is that of the model',
  );
}

/** A vocabulary in which a word begins as it goes on in another: what continues a word there stands alone here. */
function continuationsOf(vocabulary: Vocabulary): Vocabulary {
  const ids = new Map<string, number>();
  for (const [token, id] of vocabulary.ids)
    if (token.startsWith(continuationPrefix)) ids.set(token.slice(continuationPrefix.length), id);
  return { ...vocabulary, ids };
}
