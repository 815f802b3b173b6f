import { BerthError } from '@berth/contracts';
import type { Vocabulary } from '../text/vocabulary.ts';
import type { JsonFile } from './json-file.ts';

/** How a folder's text becomes token ids. */
export interface FolderTokenizer {
  readonly vocabulary: Vocabulary;
  readonly doLowerCase: boolean;
  /** Tokens that others look for in a text before they split it, besides the special ones; berth does not. */
  readonly added: readonly string[];
  /** What a user should know about it. */
  readonly notes: readonly string[];
}

/** @throws BerthError `DATA_VOCABULARY_INVALID` when accents are kept where case is not, or the reverse */
export function checkAccents(file: JsonFile, stripAccents: unknown, doLowerCase: boolean): void {
  if (typeof stripAccents === 'boolean' && stripAccents !== doLowerCase)
    throw otherwise(
      file,
      `strip_accents is ${stripAccents} with lower-casing ${doLowerCase}; berth drops accents ` +
        'exactly where it lower-cases, as the BERT release does',
    );
}

/** The error of a tokenizer that is not BERT's. */
export function otherwise(file: JsonFile, problem: string): BerthError {
  return new BerthError('DATA_VOCABULARY_INVALID', `${file.path}: ${problem}`);
}
