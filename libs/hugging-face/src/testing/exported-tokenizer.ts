import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { createTokenizer, createVocabulary, type Vocabulary } from '@berth/data';
import { Tokenizer } from '@huggingface/tokenizers';
import { tokenizerFiles } from '../tokenizer/tokenizer-files.ts';

/** berth's tokenizer, and what the npm package @huggingface/tokenizers makes of its files. */
export interface BothTokenizers {
  readonly ours: (text: string) => readonly number[];
  readonly theirs: Tokenizer;
  /** Those lines that become other ids. */
  readonly differences: (lines: readonly string[]) => string[];
}

export function bothTokenizers(vocabulary: Vocabulary, doLowerCase: boolean): BothTokenizers {
  const files = tokenizerFiles({ vocabulary, doLowerCase, maxPositions: 512 });
  const json = (name: string): object => JSON.parse(Buffer.from(files[name]!).toString()) as object;
  const theirs = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const tokenizer = createTokenizer(vocabulary, { doLowerCase });
  const ours = (text: string): readonly number[] => tokenizer.tokenize(text);
  return {
    ours,
    theirs,
    differences: (lines) =>
      lines.filter(
        (line) =>
          theirs.encode(line, { add_special_tokens: false }).ids.join() !== ours(line).join(),
      ),
  };
}

/** A vocabulary with a piece for each character of a text, so that few words are [UNK], which would hide differences. */
export function withCharacters(tokens: readonly string[], text: string): Vocabulary {
  const forms = [text, text.toLowerCase()].flatMap((form) => [form, form.normalize('NFD')]);
  const characters = [...new Set(forms.join(''))].filter((character) => character.trim() !== '');
  const pieces = characters.flatMap((character) => [character, `##${character}`]);
  return createVocabulary([...new Set([...tokens, ...pieces])]);
}

/** Sentences of the shipped corpus. */
export function corpusSentences(): string[] {
  return gunzipSync(readFileSync(new URL('../../../../corpus/sotu.jsonl.gz', import.meta.url)))
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => (JSON.parse(line) as { text: string }).text.split(/(?<=[.?!]) +|\n+/));
}
