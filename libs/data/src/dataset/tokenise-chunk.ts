import {
  corpusPartsOf,
  recipeSchema,
  tokenisedSchema,
  type JobProgress,
  type ObjectStore,
  type Recipe,
  type TokeniseJob,
  type Tokenised,
} from '@berth/contracts';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { readText } from '../preparation/chunk-text.ts';
import { recipeKey, runKey, signaturesKey, tokenisedKey } from '../preparation/keys.ts';
import { requireTextRules } from '../preparation/require-text-rules.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { findJson, getJson, putJson } from '../preparation/stored-json.ts';
import { maxPartLength } from '../text/cut-text.ts';
import { keptTokenizer } from '../text/kept-tokenizer.ts';
import { createTokenTally } from '../text/tokenizer.ts';
import { giveTurn, inTurns, isTurnDue } from '../text/work.ts';
import { compareHashes, documentHash, heldOutValue } from './document-hash.ts';
import { idBytesOf, recordBytesOf } from './document-shard.ts';
import { createRunBuilder, heldOutBucket, trainBucket, type Buckets } from './run-file.ts';
import { getPart } from './stored-part.ts';
import { bandsFor } from '../near-duplicates/bands.ts';
import { createSignatureBuilder } from '../near-duplicates/signature-file.ts';
import { createSigner } from '../near-duplicates/signer.ts';

/** Of tokens in memory; a chunk of more leaves several run files. */
const maxRunBytes = 64 * 2 ** 20;

/** @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export function getRecipe(store: ObjectStore, datasetId: string): Promise<Recipe> {
  return getJson(store, recipeSchema, recipeKey(datasetId));
}

/** Names of the parts of a corpus, in order; one without a name where it has none. */
export function partNamesOf({ plan }: Recipe): readonly (string | undefined)[] {
  return corpusPartsOf(plan.corpus).map(({ name }) => name);
}

export function bucketsOf(recipe: Recipe): Buckets {
  return { numParts: partNamesOf(recipe).length, numShards: recipe.plan.numShards };
}

/**
 * Does a tokenise job: leaves the documents of a chunk as run files, then says what it has counted.
 * @throws BerthError `DATA_CORPUS_*`, also when a file has changed since it was listed, `DATA_TEXT_RULES`, and what the store throws
 */
export async function tokeniseChunk(
  { datasetId, chunk }: Pick<TokeniseJob, 'datasetId' | 'chunk'>,
  store: ObjectStore,
  { roots, s3, signal, onProgress = () => undefined }: StageOptions = {},
): Promise<JobProgress> {
  const key = tokenisedKey(datasetId, chunk);
  const recipe = await getRecipe(store, datasetId);
  const numBytes = recipe.plan.chunkBytes[chunk] ?? 0;
  const known = await findJson(store, tokenisedSchema, key);
  if (known !== undefined) return { numBytes, numDocuments: known.numDocuments };
  requireTextRules(recipe);
  const { heldOutRatio, pretokenised, nearDuplicates } = recipe.plan.corpus;
  const { doLowerCase, vocabulary } = recipe;
  const read = (): Promise<Uint8Array> => getPart(store, vocabulary);
  const tokenizer = await keptTokenizer(vocabulary, { doLowerCase, pretokenised, read });
  const idBytes = idBytesOf(tokenizer.vocabulary.tokens.length);
  const buckets = bucketsOf(recipe);
  const parts = partNamesOf(recipe);
  const tally = createCorpusTally();
  const tokens = createTokenTally();
  const seen = { numRuns: 0, numDocuments: 0, numTokens: 0, trainBytes: 0, heldOutBytes: 0 };
  let least: PlacedHash | undefined;
  let greatest: PlacedHash | undefined;
  let part: string | undefined;
  let builder = createRunBuilder(buckets, idBytes, chunk);
  const bands = nearDuplicates === undefined ? undefined : bandsFor(nearDuplicates);
  const signer = bands && createSigner(bands);
  let signatures = bands && createSignatureBuilder(bands);
  const flush = async (): Promise<void> => {
    if (builder.numBytes === 0) return;
    const pieces = await builder.finish(signal);
    await store.put(runKey(datasetId, chunk, seen.numRuns), pieces, signal && { signal });
    if (bands && signatures) {
      const key = signaturesKey(datasetId, chunk, seen.numRuns);
      await store.put(key, signatures.finish(), signal && { signal });
      signatures = createSignatureBuilder(bands);
    }
    seen.numRuns += 1;
    builder = createRunBuilder(buckets, idBytes, chunk);
  };
  onProgress({ numBytes: 0, numDocuments: 0 });
  const reading = { roots, s3, signal, tally };
  for await (const document of readText(store, recipe.plan, chunk, reading)) {
    const sentences: number[][] = [];
    for (const text of document.sentences) {
      const ids =
        text.length > maxPartLength
          ? await inTurns(tokenizer.tokenizing(text, tokens), signal)
          : tokenizer.tokenize(text, tokens);
      if (ids.length > 0) sentences.push(ids);
      if (isTurnDue()) await giveTurn(signal);
    }
    if (sentences.length === 0) {
      tally.numEmptyDocuments += 1;
      continue;
    }
    part = document.part;
    const hash = documentHash(document.sentences);
    const placed: PlacedHash = [heldOutValue(hash), hash];
    const isOut = placed[0] < heldOutRatio;
    if (least === undefined || comparePlaced(placed, least) < 0) least = placed;
    if (greatest === undefined || comparePlaced(placed, greatest) > 0) greatest = placed;
    const partIndex = parts.indexOf(part);
    const bucket = isOut ? heldOutBucket(buckets, hash) : trainBucket(buckets, partIndex, hash);
    const label = { part: partIndex, number: seen.numDocuments, name: document.id };
    builder.add({ hash, sentences }, bucket, label);
    const signature = await signer?.sign(document.sentences, signal);
    if (signature) signatures?.add(hash, partIndex, signature);
    const numTokens = sentences.reduce((sum, { length }) => sum + length, 0);
    seen.numDocuments += 1;
    seen.numTokens += numTokens;
    seen[isOut ? 'heldOutBytes' : 'trainBytes'] += recordBytesOf(
      sentences.length,
      numTokens,
      idBytes,
    );
    if (builder.numBytes + (signatures?.numBytes ?? 0) >= maxRunBytes) await flush();
    onProgress({ numBytes: tally.numBytes, numDocuments: seen.numDocuments });
  }
  await flush();
  await putJson(store, key, {
    format: 'berth-tokenised/1',
    ...seen,
    ...(least && greatest && { least: textOf(least), greatest: textOf(greatest) }),
    ...(part !== undefined && { part }),
    read: tally,
    tokens,
  } satisfies Tokenised);
  const done = { numBytes, numDocuments: seen.numDocuments };
  onProgress(done);
  return done;
}

/** Where a hash stands in the hold-out, and the hash. */
type PlacedHash = readonly [number, Uint8Array];

function comparePlaced(a: PlacedHash, b: PlacedHash): number {
  return a[0] - b[0] || compareHashes(a[1], b[1]);
}

function textOf([value, hash]: PlacedHash): [number, string] {
  return [value, Buffer.from(hash).toString('hex')];
}
