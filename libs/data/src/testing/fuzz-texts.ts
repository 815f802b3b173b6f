import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { toBerthError } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { openCorpus } from '../corpus/open-corpus.ts';
import { temporaryFolder } from './example-fixture.ts';
import { createTokenizer } from '../text/tokenizer.ts';
import { parseVocabulary, specialTokens, type Vocabulary } from '../text/vocabulary.ts';
import { changes, mutate } from './mutate.ts';

const seed = 20261129;
const jsonl = Buffer.from(
  '{"id": "a", "text": "One sentence. And “another”.\\n\\nA paragraph."}\r\n' +
    '{"id": 7, "sentences": ["Ein Satz.", "日本語の文。"]}\n\n{"text": "e\u0301 ü 😀"}\n',
);
const txt = Buffer.from(
  '\uFEFFOne sentence a line.\r\nAnd another.\r\n\r\nÜber é\u0301 😀.\rEnd\n',
);
const vocabularyBytes = Buffer.from(
  [...specialTokens, 'one', 'sent', '##ence', 'é', ''].join('\n'),
);

/** What people may have instead of text: it is read, or refused as bad data. */
export function describeOddTexts(numRuns: number): void {
  const runs = { numRuns, seed };

  it.each([
    ['jsonl files', 'a.jsonl', jsonl, (bytes: Buffer) => bytes],
    ['text files', 'a.txt', txt, (bytes: Buffer) => bytes],
    ['gzip files, mutated inside', 'a.jsonl.gz', jsonl, (bytes: Buffer) => gzipSync(bytes)],
    ['gzip files', 'a.txt.gz', gzipSync(txt), (bytes: Buffer) => bytes],
  ])(`reads ${numRuns} mutated %s, or refuses them`, async (_, name, sound, pack) => {
    const path = join(temporaryFolder(), name);
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        await writeFile(path, pack(mutate(sound, list)));
        expect(await outcomeOf(path)).toMatch(/^(read|DATA_CORPUS_(INVALID|EMPTY))$/);
      }),
      runs,
    );
  });

  it(`reads ${numRuns} lines of any JSON, or refuses them`, async () => {
    const path = join(temporaryFolder(), 'a.jsonl');
    const key = fc.constantFrom('id', 'text', 'sentences', '__proto__', 'x');
    const record = fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()));
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 3 }), async (values) => {
        await writeFile(path, values.map((value) => JSON.stringify(value)).join('\n'));
        expect(await outcomeOf(path)).toMatch(/^(read|DATA_CORPUS_(INVALID|EMPTY))$/);
      }),
      runs,
    );
  });

  it(`takes ${numRuns} mutated vocabularies, or refuses them, and tokenises by them`, () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 });
    fc.assert(
      fc.property(changes, text, fc.boolean(), (list, sentence, doLowerCase) => {
        const vocabulary = vocabularyOf(mutate(vocabularyBytes, list));
        if (vocabulary === undefined) return;
        const ids = createTokenizer(vocabulary, { doLowerCase }).tokenize(sentence);
        expect(ids.every((id) => id >= 0 && id < vocabulary.tokens.length)).toBe(true);
      }),
      runs,
    );
  });
}

/** @returns undefined for bytes that are refused as no vocabulary */
function vocabularyOf(bytes: Uint8Array): Vocabulary | undefined {
  try {
    return parseVocabulary(bytes, 'vocab.txt');
  } catch (error) {
    if (toBerthError(error).code === 'DATA_VOCABULARY_INVALID') return undefined;
    throw error;
  }
}

/** `read`, or the code of the error. */
async function outcomeOf(path: string): Promise<string> {
  try {
    const corpus = await openCorpus({ path, sentenceMode: 'auto' });
    for await (const { id, sentences } of corpus.documents()) {
      expect(typeof id).toBe('string');
      expect(sentences.every((sentence) => sentence.trim() !== '')).toBe(true);
    }
    return 'read';
  } catch (error) {
    return toBerthError(error).code;
  }
}
