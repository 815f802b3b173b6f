import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '@berth/contracts';
import { parseVocabulary, type Vocabulary } from '../text/vocabulary.ts';
import { readJsonFile, type JsonFile } from './json-file.ts';
import { checkAccents, otherwise, type FolderTokenizer } from './folder-tokenizer.ts';
import { readTokenizerJson } from './tokenizer-json.ts';

/**
 * Reads a folder's tokenizer: tokenizer.json, else vocab.txt, with what tokenizer_config.json says. Files that are there agree.
 * @throws BerthError `DATA_VOCABULARY_INVALID` when there is none, or one that tokenises otherwise than BERT; `CONFIG_INVALID`
 * for a file that cannot be read
 */
export async function readTokenizer(folder: string): Promise<FolderTokenizer> {
  const path = join(folder, 'vocab.txt');
  const [json, config] = await Promise.all([
    readJsonFile(folder, 'tokenizer.json'),
    readJsonFile(folder, 'tokenizer_config.json'),
  ]);
  if (json !== undefined) {
    const tokenizer = readTokenizerJson(json);
    if (config !== undefined) checkAgreement(config, tokenizer.doLowerCase);
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes !== undefined) checkSame(parseVocabulary(bytes, path), tokenizer.vocabulary, folder);
    return tokenizer;
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new BerthError(
      'DATA_VOCABULARY_INVALID',
      `${folder} has no tokenizer that can be read: neither tokenizer.json nor vocab.txt`,
      { cause },
    );
  });
  const isSaid = config?.has('do_lower_case') === true;
  const doLowerCase = config?.get('do_lower_case') !== false;
  if (config !== undefined) checkAgreement(config, doLowerCase);
  return {
    vocabulary: parseVocabulary(bytes, path),
    doLowerCase,
    added: [],
    notes: isSaid
      ? []
      : ["no file says do_lower_case; it is taken as true, the default of BERT's tokenizer"],
  };
}

/**
 * Tokens may have been added to tokenizer.json behind those of vocab.txt.
 * @throws BerthError `DATA_VOCABULARY_INVALID` where the two give an id to different tokens
 */
function checkSame(text: Vocabulary, json: Vocabulary, folder: string): void {
  const id = text.tokens.findIndex((token, index) => token !== json.tokens[index]);
  if (id === -1) return;
  const [ours, theirs] = [text, json].map(({ tokens }) => JSON.stringify(tokens[id] ?? 'nothing'));
  throw new BerthError(
    'DATA_VOCABULARY_INVALID',
    `${folder}: vocab.txt and tokenizer.json contradict each other: id ${id} is ${ours} in the one and ${theirs} in the other. ` +
      'transformers reads tokenizer.json where there is one; remove the file that is wrong',
  );
}

/** @throws BerthError `DATA_VOCABULARY_INVALID` where tokenizer_config.json asks for another tokenizer */
function checkAgreement(config: JsonFile, doLowerCase: boolean): void {
  const said = config.get('do_lower_case');
  if (typeof said === 'boolean' && said !== doLowerCase)
    throw otherwise(
      config,
      `do_lower_case is ${said}, but tokenizer.json says ${doLowerCase}; correct the wrong one`,
    );
  checkAccents(config, config.get('strip_accents'), doLowerCase);
  if (config.get('tokenize_chinese_chars') === false)
    throw otherwise(config, 'tokenize_chinese_chars is false; berth sets ideographs apart always');
}
