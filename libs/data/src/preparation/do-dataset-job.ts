import {
  canonicalJson,
  datasetJobSchema,
  digestOf,
  type DatasetFlowJob,
  type DatasetJob,
  type ObjectStore,
  type SealJob,
} from '@berth/contracts';
import { assembleShard } from '../dataset/assemble-shard.ts';
import { sealDataset } from '../dataset/seal-dataset.ts';
import { splitDataset } from '../dataset/split-dataset.ts';
import { getRecipe, tokeniseChunk } from '../dataset/tokenise-chunk.ts';
import { importDataset } from '../import/import-dataset.ts';
import { leaveOutNearDuplicates } from '../near-duplicates/leave-out.ts';
import { compareData } from './compare-data.ts';
import { isBetween, planPrefix, requestKey } from './keys.ts';
import { makeVocabulary } from './make-vocabulary.ts';
import { mergeChunkWords } from './merge-words.ts';
import type { StageOptions } from './stage-options.ts';
import { getJson } from './stored-json.ts';
import { surveyChunk } from './survey-chunk.ts';
import { takeInventory } from './take-inventory.ts';

/** Stores what a run asks for, for the jobs that refer to it. @returns its id */
export async function putRequest(store: ObjectStore, request: DatasetJob): Promise<string> {
  const requestId = digestOf(request);
  await store.put(requestKey(requestId), Buffer.from(canonicalJson(request)));
  return requestId;
}

/**
 * Does one of the jobs that make a dataset. It may be done twice, anywhere; where its result is there it is done at once.
 * @returns what the job answers
 * @throws BerthError `DATA_*`, and what the store throws
 */
export async function doDatasetJob(
  job: DatasetFlowJob,
  store: ObjectStore,
  options: StageOptions = {},
): Promise<unknown> {
  const requestOf = ({ requestId }: { readonly requestId: string }): Promise<DatasetJob> =>
    getJson(store, datasetJobSchema, requestKey(requestId));
  switch (job.kind) {
    case 'inventory':
      return takeInventory(await requestOf(job), store, options);
    case 'import':
      return importDataset(await requestOf(job), store, options);
    case 'survey':
      return surveyChunk(job, store, options);
    case 'mergeCounts':
      return mergeChunkWords(job, store, options);
    case 'compare':
      return compareData(job, await requestOf(job), store, options);
    case 'vocabulary':
      return makeVocabulary(job, await requestOf(job), store, options);
    case 'tokenise':
      return tokeniseChunk(job, store, options);
    case 'split':
      return splitDataset(job, store, options);
    case 'nearDuplicates':
      return leaveOutNearDuplicates(job, store, options);
    case 'assemble':
      return assembleShard(job, store, options);
    case 'seal':
      return seal(job, await requestOf(job), store, options);
  }
}

async function seal(
  job: SealJob,
  request: DatasetJob,
  store: ObjectStore,
  options: StageOptions,
): Promise<unknown> {
  const sealed = await sealDataset(job, request, store, options);
  const { plan } = await getRecipe(store, job.datasetId);
  await tidyPlan(store, plan.planId);
  return sealed;
}

/** Deletes what of a plan is of no use once its dataset is sealed, or another plan takes its place. */
export async function tidyPlan(store: ObjectStore, planId: string): Promise<void> {
  const left = (await store.list(planPrefix(planId))).filter(({ key }) => isBetween(key));
  await store.deleteAll(left.map(({ key }) => key));
}
