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
import { chunkWithin } from '../corpus/corpus-roots.ts';
import { createCorpusTally, mergeCorpusTallies } from '../corpus/corpus-tally.ts';
import { readChunk } from '../corpus/read-chunk.ts';
import { chunkKey, textKey, textListKey } from './keys.ts';
import type { StageOptions } from './stage-options.ts';
import { getJson, parseJson, putJson } from './stored-json.ts';

export interface ReadTextOptions extends Pick<StageOptions, 'roots' | 's3' | 'signal'> {
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
 * The documents of a chunk: from its files or, from the first on that this machine does not see as it was listed, as they were stored for
 * others.
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` or `DATA_CORPUS_CHANGED` where it sees neither, and what `readChunk` throws
 */
export async function* readText(
  store: ObjectStore,
  { planId, corpus }: Plan,
  index: number,
  { tally, roots = [], ...source }: ReadTextOptions,
): AsyncGenerator<CorpusDocument> {
  const chunk = await getChunk(store, { planId }, index);
  let own = createCorpusTally();
  let numRead = 0;
  try {
    const seen = await chunkWithin(roots, chunk);
    for await (const document of readChunk(seen, { corpus, ...source, tally: own })) {
      numRead += 1;
      tally.numBytes = own.numBytes;
      yield document;
    }
  } catch (error) {
    if (!isUnseen(error) || (await store.head(textListKey(planId, index))) === undefined)
      throw error;
    // Files before the one that is not seen gave the same documents that were stored of them.
    own = yield* readStoredText(store, planId, index, chunk, numRead, { tally, ...source });
  }
  Object.assign(tally, mergeCorpusTallies([{ ...tally, numBytes: 0 }, own]));
}

function isUnseen(error: unknown): boolean {
  return (
    isBerthError(error) &&
    (error.code === 'DATA_CORPUS_NOT_FOUND' || error.code === 'DATA_CORPUS_CHANGED')
  );
}

async function* readStoredText(
  store: ObjectStore,
  planId: string,
  index: number,
  { part }: CorpusChunk,
  numSkipped: number,
  { tally, signal }: ReadTextOptions,
): AsyncGenerator<CorpusDocument, CorpusTally> {
  const { numObjects, tally: whole } = await getJson(
    store,
    storedTextSchema,
    textListKey(planId, index),
  );
  let numSeen = 0;
  for (let number = 0; number < numObjects; number++) {
    const key = textKey(planId, index, number);
    const bytes = await store.get(key, { maxBytes: maxObjectBytes, ...(signal && { signal }) });
    const lines = Buffer.from(bytes).toString().split('\n');
    for (const line of lines.slice(0, -1)) {
      if (numSeen++ < numSkipped) continue;
      const [id, sentences] = parseJson(store, storedDocumentSchema, key, line);
      yield { id, sentences, ...(part !== undefined && { part }) };
    }
    tally.numBytes = Math.round((whole.numBytes * (number + 1)) / numObjects);
  }
  return whole;
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
