import {
  corpusChunkSchema,
  isBerthError,
  storedDocumentSchema,
  storedTextSchema,
  type CorpusChunk,
  type CorpusTally,
  type ObjectStore,
  type Plan,
} from '@berth/contracts';
import type { CorpusDocument } from '../corpus/corpus-document.ts';
import { readChunk } from '../corpus/read-chunk.ts';
import { chunkKey, textKey, textListKey } from './keys.ts';
import type { StageOptions } from './stage-options.ts';
import { getJson, parseJson, putJson } from './stored-json.ts';

export interface ReadTextOptions extends Pick<StageOptions, 's3' | 'signal'> {
  /** Counts on as documents are read. */
  readonly tally: CorpusTally;
}

/** @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export function getChunk(
  store: ObjectStore,
  { planId }: Pick<Plan, 'planId'>,
  index: number,
): Promise<CorpusChunk> {
  return getJson(store, corpusChunkSchema, chunkKey(planId, index));
}

/**
 * The documents of a chunk: from its files or, where this machine does not see them, as they were stored for others.
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` where it sees neither, and what `readChunk` throws
 */
export async function* readText(
  store: ObjectStore,
  { planId, corpus }: Plan,
  index: number,
  options: ReadTextOptions,
): AsyncGenerator<CorpusDocument> {
  const chunk = await getChunk(store, { planId }, index);
  let hasBegun = false;
  try {
    for await (const document of readChunk(chunk, { corpus, ...options })) {
      hasBegun = true;
      yield document;
    }
  } catch (error) {
    const isUnseen = isBerthError(error) && error.code === 'DATA_CORPUS_NOT_FOUND' && !hasBegun;
    if (!isUnseen || (await store.head(textListKey(planId, index))) === undefined) throw error;
    yield* readStoredText(store, planId, index, chunk, options);
  }
}

async function* readStoredText(
  store: ObjectStore,
  planId: string,
  index: number,
  { part }: CorpusChunk,
  { tally, signal }: ReadTextOptions,
): AsyncGenerator<CorpusDocument> {
  const { numObjects, tally: whole } = await getJson(
    store,
    storedTextSchema,
    textListKey(planId, index),
  );
  for (let number = 0; number < numObjects; number++) {
    const key = textKey(planId, index, number);
    const bytes = await store.get(key, { maxBytes: maxObjectBytes, ...(signal && { signal }) });
    const lines = Buffer.from(bytes).toString().split('\n');
    for (const line of lines.slice(0, -1)) {
      const [id, sentences] = parseJson(store, storedDocumentSchema, key, line);
      yield { id, sentences, ...(part !== undefined && { part }) };
    }
    tally.numBytes = Math.round((whole.numBytes * (number + 1)) / numObjects);
  }
  Object.assign(tally, whole);
}

const objectBytes = 8 * 2 ** 20;
/** One document more than that, and no document is longer than a reader holds. */
const maxObjectBytes = 512 * 2 ** 20;

/** Stores documents for workers that do not see the files which they are read of. */
export interface TextKeeper {
  add(document: CorpusDocument): Promise<void>;
  finish(tally: CorpusTally): Promise<void>;
}

export function createTextKeeper(store: ObjectStore, planId: string, index: number): TextKeeper {
  let [numObjects, numCharacters] = [0, 0];
  let lines: string[] = [];
  const flush = async (): Promise<void> => {
    if (lines.length === 0) return;
    await store.put(textKey(planId, index, numObjects), Buffer.from(lines.join('')));
    numObjects += 1;
    [lines, numCharacters] = [[], 0];
  };
  return {
    async add({ id, sentences }) {
      const line = `${JSON.stringify([id, sentences])}\n`;
      lines.push(line);
      numCharacters += line.length;
      if (numCharacters >= objectBytes) await flush();
    },
    async finish(tally) {
      await flush();
      await putJson(store, textListKey(planId, index), { numObjects, tally });
    },
  };
}
