import {
  canonicalJson,
  digestOf,
  sha256Hex,
  vocabularyJobResultSchema,
  type DatasetJob,
  type ObjectStore,
  type Recipe,
  type VocabularyExtension,
  type VocabularyJob,
  type VocabularyJobResult,
  type WordCase,
} from '@berth/contracts';
import { noText } from '../corpus/no-text.ts';
import { getPart, putPart } from '../dataset/stored-part.ts';
import { extendVocabulary, measurePieces } from '../text/extend-vocabulary.ts';
import { madeVocabularyId, trainVocabulary } from '../text/train-vocabulary.ts';
import { parseVocabulary, serializeVocabulary } from '../text/vocabulary.ts';
import { decodeWordCounts } from '../text/word-counts.ts';
import { getPieces, identityOfDataset, serializePieces } from './dataset-identity.ts';
import { datasetOfPlanKey, datasetPrefix, madeVocabularyKey, recipeKey } from './keys.ts';
import { getAllWords } from './merge-words.ts';
import type { StageOptions } from './stage-options.ts';
import { findJson, putJson } from './stored-json.ts';
import { getPlan } from './survey-chunk.ts';

/** How words are counted for a request; undefined where its vocabulary is given whole. */
export function wordsFor({ vocabulary, modelVocabulary }: DatasetJob): WordCase | undefined {
  const { path, extend, doLowerCase } = vocabulary;
  const isGiven = path !== undefined || modelVocabulary !== undefined;
  if (isGiven && extend === undefined) return undefined;
  return doLowerCase ? 'uncased' : 'cased';
}

/** Names what a vocabulary is made by, besides words: a plan leads to one dataset with it. */
export function optionsIdOf({ vocabulary }: DatasetJob, given: VocabularyJob['given']): string {
  const { path: _path, ...options } = vocabulary;
  return digestOf({ options, given: given?.sha256 });
}

/**
 * Does a vocabulary job: trains, extends or takes the vocabulary, and stores the recipe of the dataset that it makes.
 * @throws BerthError `DATA_VOCABULARY_*`, `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function makeVocabulary(
  { planId, given }: VocabularyJob,
  request: DatasetJob,
  store: ObjectStore,
  { onProgress = () => undefined }: StageOptions = {},
): Promise<VocabularyJobResult> {
  const pointer = datasetOfPlanKey(planId, optionsIdOf(request, given));
  const known = await findJson(store, vocabularyJobResultSchema, pointer);
  if (known !== undefined) return known;
  onProgress({ numBytes: 0, numDocuments: 0, activity: 'making the vocabulary' });
  const plan = await getPlan(store, planId);
  const { doLowerCase } = request.vocabulary;
  const { bytes, extension } = await vocabularyOf(request, planId, given, store);
  const corpusFiles = await serializePieces(await getPieces(store, plan));
  const corpusDigest = sha256Hex(corpusFiles);
  const { textRules } = plan;
  const vocabulary = sha256Hex(bytes);
  const datasetId = identityOfDataset({ corpusDigest, plan, vocabulary, doLowerCase, textRules });
  const folder = datasetPrefix(datasetId);
  const { tokens } = parseVocabulary(bytes, nameOf(request, given));
  const recipe: Recipe = {
    format: 'berth-recipe/1',
    datasetId,
    plan,
    corpusDigest,
    corpusFiles: await putPart(store, `${folder}corpus.jsonl`, corpusFiles),
    vocabulary: {
      ...(await putPart(store, `${folder}vocab.txt`, bytes)),
      numTokens: tokens.length,
      ...(extension && given && { extendedFrom: given.sha256 }),
    },
    doLowerCase,
    textRules,
    ...(extension && { extension }),
  };
  await store.put(recipeKey(datasetId), Buffer.from(canonicalJson(recipe)));
  await putJson(store, pointer, { datasetId });
  return { datasetId };
}

interface MadeVocabulary {
  readonly bytes: Uint8Array;
  readonly extension?: VocabularyExtension;
}

async function vocabularyOf(
  request: DatasetJob,
  planId: string,
  given: VocabularyJob['given'],
  store: ObjectStore,
): Promise<MadeVocabulary> {
  const words = wordsFor(request);
  if (words === undefined && given !== undefined) return { bytes: await getPart(store, given) };
  const { size, minFrequency, extend = 0 } = request.vocabulary;
  const counts = await getAllWords(store, planId, words ?? 'cased');
  const options = given === undefined ? { size } : { given: given.sha256, extend };
  const key = madeVocabularyKey(madeVocabularyId(counts, { ...options, minFrequency }));
  const known = await store.head(key);
  const all = decodeWordCounts(counts);
  if (all.numWords === 0) throw noText(request.corpus);
  if (given === undefined) {
    if (known !== undefined) return { bytes: await store.get(key, { maxBytes: known.sizeBytes }) };
    const bytes = serializeVocabulary(await trainVocabulary(all, { size, minFrequency }));
    await store.put(key, bytes);
    return { bytes };
  }
  const before = parseVocabulary(await getPart(store, given), nameOf(request, given));
  const after = await extendVocabulary(before, all, { numPieces: extend, minFrequency });
  let numWords = 0;
  for (const [, count] of all) numWords += count;
  return {
    bytes: serializeVocabulary(after),
    extension: {
      numPieces: extend,
      numWords,
      before: await measurePieces(before, all),
      after: await measurePieces(after, all),
    },
  };
}

function nameOf({ vocabulary }: DatasetJob, given: VocabularyJob['given']): string {
  if (given === undefined) return 'the trained vocabulary';
  return vocabulary.path ?? 'the vocabulary of the model to begin with';
}
