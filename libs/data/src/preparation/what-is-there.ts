import {
  splitSchema,
  vocabularyJobResultSchema,
  type ObjectStore,
  type Plan,
  type Split,
  type StoredPart,
} from '@berth/contracts';
import {
  datasetOfPlanKey,
  manifestKeyOf,
  planPrefix,
  recipeKey,
  runsPrefix,
  splitKey,
} from './keys.ts';
import { getJson } from './stored-json.ts';
import { getPlan } from './survey-chunk.ts';

/** What jobs have answered. */
export interface JobAnswers {
  /** Once the corpus was listed. */
  readonly planId?: string | undefined;
  /** A vocabulary that is not made of the corpus. */
  readonly given?: StoredPart | undefined;
  /** The corpus was compared with the known dataset, and differs. */
  readonly differs?: boolean | undefined;
  readonly datasetId?: string | undefined;
}

/** How far a dataset is, as the bucket says. */
export interface WhatIsThere {
  readonly plan?: Plan | undefined;
  /** The dataset that the plan leads to, where its recipe is there. */
  readonly datasetId?: string | undefined;
  readonly manifestKey?: string | undefined;
  readonly split?: Split | undefined;
  /** All objects of the plan, and those that lie between it and the dataset. */
  readonly keys: ReadonlySet<string>;
}

/** @param optionsId - what the vocabulary is made by; see `optionsIdOf` */
export async function lookWhatIsThere(
  store: ObjectStore,
  { planId, datasetId: answered }: JobAnswers,
  optionsId: string,
): Promise<WhatIsThere> {
  if (planId === undefined) return { keys: new Set() };
  const plan = await getPlan(store, planId);
  const ofPlan = await keysUnder(store, planPrefix(planId));
  const pointer = datasetOfPlanKey(planId, optionsId);
  const pointed = ofPlan.includes(pointer)
    ? (await getJson(store, vocabularyJobResultSchema, pointer)).datasetId
    : undefined;
  const datasetId = answered ?? pointed;
  if (datasetId === undefined || (await store.head(recipeKey(datasetId))) === undefined)
    return { plan, keys: new Set(ofPlan) };
  const between = await keysUnder(store, runsPrefix(datasetId));
  const isSealed = (await store.head(manifestKeyOf(datasetId))) !== undefined;
  const isSplit = between.includes(splitKey(datasetId));
  return {
    plan,
    datasetId,
    manifestKey: isSealed ? manifestKeyOf(datasetId) : undefined,
    split: isSplit ? await getJson(store, splitSchema, splitKey(datasetId)) : undefined,
    keys: new Set([...ofPlan, ...between]),
  };
}

async function keysUnder(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await store.list(prefix)).map(({ key }) => key);
}
