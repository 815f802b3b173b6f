import {
  BerthError,
  splitSchema,
  tokenisedSchema,
  type ObjectStore,
  type Recipe,
  type Split,
  type SplitJob,
  type Tokenised,
} from '@berth/contracts';
import { noText } from '../corpus/no-text.ts';
import { splitKey, tokenisedKey } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';
import { findJson, getJson, putJson } from '../preparation/stored-json.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { healthOfTokens, refuseUnsuitable } from './health-of-tokens.ts';
import { numHeldOutBuckets } from './run-file.ts';
import { getPart } from './stored-part.ts';
import { bucketsOf, getRecipe, partNamesOf } from './tokenise-chunk.ts';

/** Of shards that one job puts together, on average: a request to the bucket takes as long as some 100 KiB of them. */
const meanJobBytes = 4 * 2 ** 20;
/** Of a document shard, on average: making its examples takes about ten times as much memory. */
const meanShardBytes = 16 * 2 ** 20;
/** Of one that is alone because that was asked for, and where there are many: examples of one take up to twice as much. */
const largeShardBytes = 96 * 2 ** 20;
const manyShards = 8192;
const numAtOnce = 32;

/** What tokenising has left of all chunks. @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export async function getAllTokenised(store: ObjectStore, recipe: Recipe): Promise<Tokenised[]> {
  const { datasetId, plan } = recipe;
  const all: Tokenised[] = [];
  for (let start = 0; start < plan.chunkBytes.length; start += numAtOnce)
    all.push(
      ...(await Promise.all(
        plan.chunkBytes
          .slice(start, start + numAtOnce)
          .map((_, index) =>
            getJson(store, tokenisedSchema, tokenisedKey(datasetId, start + index)),
          ),
      )),
    );
  return all;
}

/**
 * Does a split job: settles what is held out, and in how many shards documents are to lie.
 * @throws BerthError `DATA_CORPUS_EMPTY` for too few documents with text, `DATA_UNSUITABLE` for tokens on which training makes no sense,
 * `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function splitDataset(
  { datasetId }: Pick<SplitJob, 'datasetId'>,
  store: ObjectStore,
  _options: StageOptions = {},
): Promise<Split> {
  const key = splitKey(datasetId);
  const settled = await findJson(store, splitSchema, key);
  if (settled !== undefined) return settled;
  const recipe = await getRecipe(store, datasetId);
  const tokenised = await getAllTokenised(store, recipe);
  const split = decideSplit(recipe, tokenised);
  const bytes = await getPart(store, recipe.vocabulary);
  const { tokens } = parseVocabulary(bytes, recipe.vocabulary.key);
  refuseUnsuitable(healthOfTokens(recipe, tokens, tokenised), {
    ...recipe,
    heldOutRatio: 0,
    // Documents are not known yet.
    pairsSentences: false,
  });
  await putJson(store, key, split);
  return split;
}

/** @throws BerthError `DATA_CORPUS_EMPTY` for too few documents with text */
function decideSplit(recipe: Recipe, tokenised: readonly Tokenised[]): Split {
  const { heldOutRatio } = recipe.plan.corpus;
  const { numParts, numShards } = bucketsOf(recipe);
  const empty = partNamesOf(recipe).find(
    (name) => !tokenised.some(({ part, numDocuments }) => part === name && numDocuments > 0),
  );
  if (numParts > 1 && empty !== undefined) throw nothingToTrainOn(empty);
  const least = extremeOf(tokenised, 'least');
  const greatest = extremeOf(tokenised, 'greatest');
  if (least === undefined || greatest === undefined) throw noText(recipe.plan.corpus);
  // Equal documents count as one: all of them are on one side.
  if (heldOutRatio > 0 && least[1] === greatest[1]) throw onlyOneDocument();
  const sum = (bytes: 'trainBytes' | 'heldOutBytes'): number =>
    tokenised.reduce((total, one) => total + one[bytes], 0);
  const largestPart = Math.max(
    ...partNamesOf(recipe).map((name) =>
      tokenised.reduce((total, one) => total + (one.part === name ? one.trainBytes : 0), 0),
    ),
  );
  const asked = numShards === 1 ? largeShardBytes : meanShardBytes;
  const shardsPerPart = doubled(numShards, largestPart, asked);
  const numTrainShards = numParts * shardsPerPart;
  const meanBytes = Math.max(1, sum('trainBytes')) / numTrainShards;
  const shardsPerJob = Math.min(shardsPerPart, Math.floor(meanJobBytes / meanBytes));
  return {
    format: 'berth-split/1',
    shardsPerPart,
    numTrainShards,
    ...(shardsPerJob > 1 && { shardsPerJob }),
    numHeldOutShards: Math.min(numHeldOutBuckets, doubled(1, sum('heldOutBytes'))),
    numRuns: tokenised.map(({ numRuns }) => numRuns),
    ...(heldOutRatio > 0 && least[0] >= heldOutRatio && { heldOutHash: least[1] }),
    ...(heldOutRatio > 0 && greatest[0] < heldOutRatio && { trainHash: greatest[1] }),
  };
}

/** A number of shards, doubled until they are small enough. */
function doubled(numShards: number, numBytes: number, mostBytes = meanShardBytes): number {
  let doubledShards = numShards;
  const most = (): number => (doubledShards < manyShards ? mostBytes : largeShardBytes);
  while (numBytes / doubledShards > most()) doubledShards *= 2;
  return doubledShards;
}

function extremeOf(
  tokenised: readonly Tokenised[],
  which: 'least' | 'greatest',
): NonNullable<Tokenised['least']> | undefined {
  const all = tokenised.flatMap((one) => (one[which] === undefined ? [] : [one[which]]));
  const sorted = all.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
  return which === 'least' ? sorted[0] : sorted.at(-1);
}

export function nothingToTrainOn(part: string): BerthError {
  return new BerthError(
    'DATA_CORPUS_EMPTY',
    `corpus.parts: ${part} has no document with text to train on: put a blank line between documents, add text, ` +
      'or leave the part out',
  );
}

function onlyOneDocument(): BerthError {
  return new BerthError(
    'DATA_CORPUS_EMPTY',
    'the corpus has 1 document with text, equal ones counted once; training and evaluation need one each: ' +
      'put a blank line between documents, add text, or set corpus.heldOutRatio: 0 to train without evaluation',
  );
}
