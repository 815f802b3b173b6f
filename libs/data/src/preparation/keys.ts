import type { AssembleJob, WordCase } from '@berth/contracts';

/** Where what a run asks for is stored, by content. */
export function requestKey(requestId: string): string {
  return `preparations/${requestId}.json`;
}

/** Where all that is known of a corpus before its vocabulary is. */
export function planPrefix(planId: string): string {
  return `plans/${planId}/`;
}

export function planKey(planId: string): string {
  return `${planPrefix(planId)}plan.json`;
}

/** One chunk of a plan: which bytes of which files. */
export function chunkKey(planId: string, chunk: number): string {
  return `${planPrefix(planId)}chunk-${number(chunk)}.json`;
}

/** The digests of a chunk's pieces. */
export function surveyKey(planId: string, chunk: number): string {
  return `${planPrefix(planId)}survey-${number(chunk)}.json`;
}

/** Words with how often each occurs: of a chunk at level 0, of up to 16 of the level below above it. */
export function wordsKey(planId: string, words: WordCase, level: number, index: number): string {
  return `${planPrefix(planId)}words-${words}-${level}-${number(index)}.bin`;
}

/** Some documents of a chunk, for workers that do not see its files. */
export function textKey(planId: string, chunk: number, index: number): string {
  return `${planPrefix(planId)}text-${number(chunk)}-${number(index)}.jsonl`;
}

/** That all its documents are there, in how many objects, and what was counted on the way. */
export function textListKey(planId: string, chunk: number): string {
  return `${planPrefix(planId)}text-${number(chunk)}.json`;
}

/** A vocabulary that is not made of the corpus. */
export function givenVocabularyKey(sha256: string): string {
  return `vocabularies/given-${sha256}`;
}

/** A vocabulary that was made of some counts by some options. */
export function madeVocabularyKey(vocabularyId: string): string {
  return `vocabularies/made-${vocabularyId}.txt`;
}

/** Which dataset a plan leads to with a vocabulary made by some options. */
export function datasetOfPlanKey(planId: string, optionsId: string): string {
  return `${planPrefix(planId)}dataset-${optionsId.slice(0, 32)}.json`;
}

export function datasetPrefix(datasetId: string): string {
  return `datasets/${datasetId}/`;
}

/** Where all parts of a dataset are stored, by the key of its manifest; `undefined` for any other key. */
export function datasetPrefixOf(manifestKey: string): string | undefined {
  return /^(datasets\/[0-9a-f]{64}\/)manifest\.json$/.exec(manifestKey)?.[1];
}

export function recipeKey(datasetId: string): string {
  return `${datasetPrefix(datasetId)}recipe.json`;
}

export function manifestKeyOf(datasetId: string): string {
  return `${datasetPrefix(datasetId)}manifest.json`;
}

/** That a dataset which was made elsewhere has been checked, and by which manifest. */
export function verifiedKey(datasetId: string): string {
  return `${datasetPrefix(datasetId)}verified.json`;
}

/**
 * Whether a dataset of a corpus was made or taken in here, by the objects of its folder. One without documents that it forgot is made
 * of another, and has neither sign.
 */
export function isMadeByBerth(folder: string, keys: ReadonlySet<string>): boolean {
  return keys.has(`${folder}recipe.json`) || keys.has(`${folder}verified.json`);
}

/** Where all lies that is deleted once a dataset is sealed. */
export function runsPrefix(datasetId: string): string {
  return `${datasetPrefix(datasetId)}runs/`;
}

/** One of the run files that tokenising a chunk leaves. */
export function runKey(datasetId: string, chunk: number, run: number): string {
  return `${runsPrefix(datasetId)}run-${number(chunk)}-${number(run)}.brun`;
}

/** Beside a run file the signatures of its documents, where near duplicates are left out. */
export function signaturesKey(datasetId: string, chunk: number, run: number): string {
  return `${runsPrefix(datasetId)}signatures-${number(chunk)}-${number(run)}.bin`;
}

/** Which documents are left out as near duplicates. */
export function leftOutKey(datasetId: string): string {
  return `${runsPrefix(datasetId)}left-out.bin`;
}

/** Written last of what tokenising a chunk leaves: that all of it is there. */
export function tokenisedKey(datasetId: string, chunk: number): string {
  return `${runsPrefix(datasetId)}tokenised-${number(chunk)}.json`;
}

/** In how many shards the documents are to lie. */
export function splitKey(datasetId: string): string {
  return `${runsPrefix(datasetId)}split.json`;
}

/** A document shard; with another ending, what belongs to it. */
export function documentShardKey(
  datasetId: string,
  split: AssembleJob['split'],
  shard: number,
  ending: 'bdoc' | 'names.jsonl',
): string {
  const name = split === 'train' ? 'train' : 'held-out';
  return `${datasetPrefix(datasetId)}${name}-${number(shard)}.${ending}`;
}

/** How often the shards of a group have each token. */
export function shardCountsKey(
  datasetId: string,
  split: AssembleJob['split'],
  first: number,
): string {
  return `${runsPrefix(datasetId)}group-counts-${split}-${number(first)}.bin`;
}

/** Written last of what assembling a group of shards leaves. */
export function assembledKey(
  datasetId: string,
  split: AssembleJob['split'],
  first: number,
): string {
  return `${runsPrefix(datasetId)}group-${split}-${number(first)}.json`;
}

/** Whether an object is of no use any more once its dataset is sealed. */
export function isBetween(key: string): boolean {
  return /^datasets\/[^/]+\/runs\/|^plans\/[^/]+\/(words|text)-/.test(key);
}

function number(index: number): string {
  return String(index).padStart(5, '0');
}
