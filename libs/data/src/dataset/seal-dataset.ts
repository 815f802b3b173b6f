import {
  assembledSchema,
  canonicalJson,
  type Assembled,
  type AssembleJob,
  type DatasetHealth,
  type DatasetJob,
  type DatasetManifest,
  type DocumentShard,
  type ObjectStore,
  type Recipe,
  type SealJob,
  type Split,
} from '@berth/contracts';
import { assembledKey, datasetPrefix, manifestKeyOf, runsPrefix } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { getJson } from '../preparation/stored-json.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { coverageOf } from './coverage.ts';
import { healthOfTokens, refuseUnsuitable } from './health-of-tokens.ts';
import { shardGroups } from './shard-groups.ts';
import { getAllTokenised, nothingToTrainOn, splitDataset } from './split-dataset.ts';
import { getPart, putPart } from './stored-part.ts';
import { serializeTokenCounts } from './text-statistics.ts';
import { getRecipe, partNamesOf } from './tokenise-chunk.ts';

const numAtOnce = 8;

/**
 * Does a seal job: writes the manifest of a dataset whose shards are all there, and deletes what lay between.
 * @returns the key of the manifest
 * @throws BerthError `DATA_UNSUITABLE` when training on it makes no sense, `DATA_CORPUS_EMPTY` for a part of the corpus of which all is
 * held out, `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function sealDataset(
  { datasetId }: Pick<SealJob, 'datasetId'>,
  { pairsSentences }: Pick<DatasetJob, 'pairsSentences'>,
  store: ObjectStore,
  _options: StageOptions = {},
): Promise<{ readonly manifestKey: string }> {
  const manifestKey = manifestKeyOf(datasetId);
  if ((await store.head(manifestKey)) === undefined) {
    const manifest = await manifestOf(store, await getRecipe(store, datasetId), pairsSentences);
    await putPart(store, manifestKey, Buffer.from(canonicalJson(manifest)));
  }
  await store.deleteAll((await store.list(runsPrefix(datasetId))).map(({ key }) => key));
  return { manifestKey };
}

async function manifestOf(
  store: ObjectStore,
  recipe: Recipe,
  pairsSentences = true,
): Promise<DatasetManifest> {
  const { datasetId, plan, doLowerCase, textRules, extension } = recipe;
  const { heldOutRatio } = plan.corpus;
  const vocabularyBytes = await getPart(store, recipe.vocabulary);
  const vocabulary = parseVocabulary(vocabularyBytes, recipe.vocabulary.key);
  const settled = await splitDataset({ datasetId }, store);
  const train = await gather(store, recipe, 'train', settled);
  const heldOut = await gather(store, recipe, 'heldOut', settled);
  const shards = train.shards.filter(hasDocuments);
  const bare = partNamesOf(recipe).find((name) => !shards.some(({ part }) => part === name));
  if (bare !== undefined) throw nothingToTrainOn(bare);
  const tokenised = await getAllTokenised(store, recipe);
  const all = [...train.shards, ...heldOut.shards];
  const assembled = [...train.assembled, ...heldOut.assembled];
  const numTrainTokens = sumOf(train.shards, ({ numTokens }) => numTokens);
  const { unkId } = vocabulary;
  const health: DatasetHealth = {
    ...healthOfTokens(recipe, vocabulary.tokens, tokenised),
    numDocuments: sumOf(all, ({ numDocuments }) => numDocuments),
    numDuplicates: sumOf(assembled, (one) => one.numDuplicates),
    ...(plan.corpus.nearDuplicates !== undefined && {
      numNearDuplicates: sumOf(assembled, (one) => one.numNearDuplicates ?? 0),
    }),
    numOneSentenceDocuments: sumOf(assembled, (one) => one.numOneSentenceDocuments),
    numSentences: sumOf(all, ({ numSentences }) => numSentences),
    numTrainTokens,
    numHeldOutTokens: sumOf(heldOut.shards, ({ numTokens }) => numTokens),
    // Of documents that are in the dataset, as all other numbers of tokens.
    numUnknownTokens: train.tokenCounts[unkId]! + heldOut.tokenCounts[unkId]!,
    coverage: coverageOf(
      train.assembled.map(({ numCovered }) => numCovered),
      numTrainTokens,
    ),
    ...(extension && { extension }),
  };
  refuseUnsuitable(health, { doLowerCase, heldOutRatio, pairsSentences });
  return {
    format: 'berth-dataset/3',
    datasetId,
    corpusDigest: recipe.corpusDigest,
    corpusFiles: recipe.corpusFiles,
    vocabulary: recipe.vocabulary,
    tokenCounts: await putPart(
      store,
      `${datasetPrefix(datasetId)}token-counts.json`,
      serializeTokenCounts(train.tokenCounts),
    ),
    doLowerCase,
    heldOutRatio,
    textRules,
    health,
    train: shards,
    heldOutShards: heldOut.shards,
  };
}

/** What assembling has left of a split. */
interface Gathered {
  readonly assembled: Assembled[];
  readonly shards: DocumentShard[];
  /** How often it has each token. */
  readonly tokenCounts: Float64Array;
}

async function gather(
  store: ObjectStore,
  { datasetId, vocabulary }: Recipe,
  split: AssembleJob['split'],
  settled: Split,
): Promise<Gathered> {
  const assembled: Assembled[] = [];
  const tokenCounts = new Float64Array(vocabulary.numTokens);
  const groups = shardGroups(settled).filter((group) => group.split === split);
  for (let start = 0; start < groups.length; start += numAtOnce) {
    const some = await Promise.all(
      groups.slice(start, start + numAtOnce).map(async ({ first }) => {
        const one = await getJson(store, assembledSchema, assembledKey(datasetId, split, first));
        return { one, bytes: Uint8Array.from(await getPart(store, one.tokenCounts)) };
      }),
    );
    for (const { one, bytes } of some) {
      assembled.push(one);
      const counts = new Uint32Array(bytes.buffer);
      for (let id = 0; id < counts.length; id++) tokenCounts[id]! += counts[id]!;
    }
  }
  return { assembled, shards: assembled.flatMap(({ shards }) => shards), tokenCounts };
}

function sumOf<One>(all: readonly One[], numberOf: (one: One) => number): number {
  return all.reduce((sum, one) => sum + numberOf(one), 0);
}

function hasDocuments({ numDocuments }: DocumentShard): boolean {
  return numDocuments > 0;
}
