import { mkdtempSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { BerthError, type ObjectInfo, type ObjectStore } from '@berth/contracts';
import { createTokenizer } from '../text/tokenizer.ts';
import { parseVocabulary, type Vocabulary } from '../text/vocabulary.ts';
import type { ExampleSettings } from '../tasks/pretraining/settings.ts';
import type { TokenSentences } from '../dataset/token-documents.ts';

const golden = new URL('../../test/golden/', import.meta.url);

export function goldenPath(name: string): string {
  return fileURLToPath(new URL(name, golden));
}

/** Bytes of a golden file. */
export function goldenBytes(name: string): Uint8Array {
  return readFileSync(new URL(name, golden));
}

/** The vocabulary and the tokenised documents of the golden excerpt. */
export function goldenExcerpt(): { vocabulary: Vocabulary; documents: TokenSentences[] } {
  const vocabulary = parseVocabulary(goldenBytes('vocab-8192.txt'), 'vocab-8192.txt');
  const tokenizer = createTokenizer(vocabulary, { doLowerCase: true });
  const tokenize = (sentence: string): number[] => tokenizer.tokenize(sentence);
  const text = new TextDecoder().decode(goldenBytes('excerpt.txt'));
  const documents = text
    .split('\n\n')
    .map((document) => document.split('\n').map(tokenize))
    .map((sentences) => sentences.filter(({ length }) => length > 0));
  return { vocabulary, documents };
}

/** The run config's defaults. */
export const defaultSettings: ExampleSettings = {
  maxSeqLength: 128,
  maxPredictions: 20,
  maskedLmRatio: 0.15,
  shortSeqRatio: 0.1,
  masking: 'token',
};

/** A new temporary folder, which goes after the last test of the file. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'berth-test-data-'));
}

/** An object store over a folder: each key a file. */
export function folderStore(folder: string): ObjectStore {
  const pathOf = (key: string): string => join(folder, key);
  const head = async (key: string): Promise<ObjectInfo | undefined> => {
    const info = await stat(pathOf(key)).catch(() => undefined);
    return info && { key, sizeBytes: info.size, lastModifiedMs: info.mtimeMs };
  };
  return {
    head,
    put: async (key, body, { ifAbsent = false } = {}) => {
      const bytes = Buffer.concat(body instanceof Uint8Array ? [body] : body);
      if (ifAbsent && (await head(key)) !== undefined) {
        return (await readFile(pathOf(key))).equals(bytes) ? 'written' : 'exists';
      }
      await mkdir(dirname(pathOf(key)), { recursive: true });
      await writeFile(pathOf(key), bytes);
      return 'written';
    },
    putStream: async (key, pieces) => {
      const parts: Uint8Array[] = [];
      for await (const piece of pieces) parts.push(Uint8Array.from(piece));
      const bytes = Buffer.concat(parts);
      await mkdir(dirname(pathOf(key)), { recursive: true });
      await writeFile(pathOf(key), bytes);
      return bytes.length;
    },
    get: async (key, { range } = {}) => {
      const bytes = await readFile(pathOf(key)).catch(() => {
        throw new BerthError('STORE_NOT_FOUND', `${key} is not in ${folder}`);
      });
      if (range === undefined) return bytes;
      if (range[1] > bytes.length) throw new BerthError('STORE_CORRUPT', `${key} is short`);
      return bytes.subarray(...range);
    },
    list: async (prefix) => {
      const files = await readdir(folder, { recursive: true, withFileTypes: true });
      const keys = files
        .filter((file) => file.isFile())
        .map((file) => join(file.parentPath, file.name).slice(folder.length + 1))
        .filter((key) => key.startsWith(prefix));
      const infos = await Promise.all(keys.sort().map(head));
      return infos.filter((info) => info !== undefined);
    },
    delete: (key) => rm(pathOf(key), { force: true }),
    deleteAll: async (keys) => {
      for (const key of keys) await rm(pathOf(key), { force: true });
    },
    listUploads: async () => [],
    abortUpload: async () => undefined,
    describe: () => folder,
  };
}
