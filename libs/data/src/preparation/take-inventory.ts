import { createHash } from 'node:crypto';
import {
  canonicalJson,
  corpusPartsOf,
  maxShards,
  sha256Hex,
  sizeOfChunk,
  type CorpusChunk,
  type DatasetJob,
  type InventoryJobResult,
  type ObjectStore,
  type Plan,
} from '@berth/contracts';
import { findCorpusChunks } from '../corpus/find-corpus-chunks.ts';
import { givenVocabulary } from '../dataset/given-vocabulary.ts';
import { putPart } from '../dataset/stored-part.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { ownTextRules } from '../text/text-rules.ts';
import { chunkKey, givenVocabularyKey, planKey } from './keys.ts';
import type { StageOptions } from './stage-options.ts';
import { putJson } from './stored-json.ts';

/** A shard of more text would not be read at once. */
const maxShardTextBytes = 128 * 2 ** 20;
/** What compressed text becomes, roughly. */
const expansion = 5;
/** A chunk of small files takes some milliseconds to be written down. */
const numAtOnce = 8;

/**
 * Lists a corpus and stores its plan, chunk by chunk, and its vocabulary if one is given: whoever goes on needs to see neither.
 * @throws BerthError `DATA_CORPUS_*` or `DATA_VOCABULARY_*`, and what the store throws
 */
export async function takeInventory(
  request: DatasetJob,
  store: ObjectStore,
  { roots, s3, hubCache }: StageOptions = {},
): Promise<InventoryJobResult> {
  const { corpus } = request;
  const given = await givenVocabulary(request, store, roots ?? []);
  const { chunks, leftOut, numFiles, numBytes } = await findCorpusChunks(corpus, {
    roots,
    s3,
    hubCache,
  });
  const numShards = numShardsFor(request, chunks);
  const textRules = ownTextRules();
  const planId = await planIdOf(chunks, { corpus, numShards, textRules, leftOut });
  const plan: Plan = {
    format: 'berth-plan/1',
    planId,
    corpus,
    numFiles,
    numBytes,
    leftOut,
    chunkBytes: chunks.map(sizeOfChunk),
    numShards,
    textRules,
  };
  for (let start = 0; start < chunks.length; start += numAtOnce)
    await Promise.all(
      chunks
        .slice(start, start + numAtOnce)
        .map((chunk, index) => putJson(store, chunkKey(planId, start + index), chunk)),
    );
  await store.put(planKey(planId), Buffer.from(canonicalJson(plan)));
  return {
    planId,
    ...(given && {
      given: await putPart(store, givenVocabularyKey(sha256Hex(given.bytes)), given.bytes),
    }),
  };
}

/** The digest of all that a plan has, chunk by chunk: they may name very many files. */
async function planIdOf(
  chunks: readonly CorpusChunk[],
  others: Pick<Plan, 'corpus' | 'numShards' | 'textRules' | 'leftOut'>,
): Promise<string> {
  // As `digestOf` has it of { chunks, ...others }: their name comes first.
  const hash = createHash('sha256').update('{"chunks":[');
  for (const [index, chunk] of chunks.entries()) {
    hash.update(`${index === 0 ? '' : ','}${canonicalJson(chunk)}`);
    if (isTurnDue()) await giveTurn();
  }
  const rest = canonicalJson({ format: 'berth-plan/1', ...others });
  return hash.update(`],${rest.slice(1)}`).digest('hex');
}

/** As many training shards, of each part, as are asked for, doubled until none is too large. */
function numShardsFor({ corpus, numShards }: DatasetJob, chunks: readonly CorpusChunk[]): number {
  const textBytes = new Map(corpusPartsOf(corpus).map(({ name }) => [name, 0]));
  for (const { part, pieces } of chunks)
    for (const piece of pieces) {
      const size =
        sizeOfChunk({ pieces: [piece] }) * (piece.compression === 'none' ? 1 : expansion);
      textBytes.set(part, (textBytes.get(part) ?? 0) + size);
    }
  const most = Math.max(...textBytes.values());
  let num = numShards;
  while (most / num > maxShardTextBytes && num * 2 <= maxShards) num *= 2;
  return num;
}
