import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { BerthError } from '@berth/contracts';
import { serializeVocabulary } from '../text/vocabulary.ts';
import type { FolderTokenizer } from './folder-tokenizer.ts';
import { readJsonFile } from './json-file.ts';
import { readTokenizer } from './read-tokenizer.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

/**
 * The bytes of a vocab.txt: of the file itself, of a WordPiece tokenizer.json, or of a folder with one of them.
 * @param doLowerCase - of the run: what the others say must be the same
 * @throws BerthError `DATA_VOCABULARY_INVALID` when it cannot be read or tokenises otherwise than berth, naming the field;
 * `DATA_MISMATCH` where the run says otherwise
 */
export async function readVocabularyFile(path: string, doLowerCase: boolean): Promise<Uint8Array> {
  const tokenizer = await tokenizerAt(path);
  if (tokenizer instanceof Uint8Array) return tokenizer;
  const { vocabulary, added } = tokenizer;
  if (tokenizer.doLowerCase !== doLowerCase)
    throw new BerthError(
      'DATA_MISMATCH',
      `${path} is of a tokenizer that ${tokenizer.doLowerCase ? 'lower-cases' : 'keeps case'}, but vocabulary.doLowerCase is ` +
        `${doLowerCase}: set vocabulary.doLowerCase to ${tokenizer.doLowerCase}`,
    );
  if (added.length > 0)
    throw invalid(
      path,
      `added_tokens has ${JSON.stringify(added[0])}, which is looked for in a text before it is split; berth does not do that. ` +
        'Name a vocab.txt of it instead if no text has such tokens',
    );
  const odd = vocabulary.tokens.find(isNoLine);
  if (odd !== undefined)
    throw invalid(
      path,
      `vocab has ${JSON.stringify(odd)}, which no word and no line of vocab.txt can be`,
    );
  return serializeVocabulary(vocabulary);
}

/** A line of other whitespace than ASCII's keeps its id and matches no word: the released Chinese vocabulary has one. */
function isNoLine(token: string): boolean {
  return /[\n\r]|^[\t ]+$/.test(token) || (token.trim() !== token && token.trim() !== '');
}

async function tokenizerAt(path: string): Promise<FolderTokenizer | Uint8Array> {
  const unreadable = (cause: unknown): BerthError =>
    new BerthError('DATA_VOCABULARY_INVALID', `${path}: cannot be read; check vocabulary.path`, {
      cause,
    });
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  if (found.isDirectory()) return await readTokenizer(path);
  if (!path.endsWith('.json'))
    return await readFile(path).catch((cause: unknown) => {
      throw unreadable(cause);
    });
  const file = await readJsonFile(dirname(path), basename(path));
  if (file === undefined) throw unreadable(undefined);
  return readTokenizerJson(file);
}

function invalid(path: string, problem: string): BerthError {
  return new BerthError('DATA_VOCABULARY_INVALID', `${path}: ${problem}`);
}
