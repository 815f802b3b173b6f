import type {
  DatasetFlowJob,
  DatasetJob,
  JobFlow,
  Plan,
  PreparationStage,
  WordCase,
} from '@berth/contracts';
import { shardGroups } from '../dataset/shard-groups.ts';
import {
  assembledKey,
  isBetween,
  leftOutKey,
  surveyKey,
  textListKey,
  tokenisedKey,
  wordsKey,
} from './keys.ts';
import { wordsFor } from './make-vocabulary.ts';
import { mergeWidth, numListsByLevel } from './merge-words.ts';
import type { JobAnswers, WhatIsThere } from './what-is-there.ts';

export interface DatasetRequest {
  readonly request: DatasetJob;
  readonly requestId: string;
  /** Workers are there that do not see the corpus: its text is stored for them. */
  readonly keepsText: boolean;
}

/** What to have done next for a dataset. */
export type NextOfDataset =
  | {
      readonly kind: 'ask';
      readonly flow: JobFlow<DatasetFlowJob>;
      /** What people are told is going on. */
      readonly stage: PreparationStage;
    }
  | { readonly kind: 'there'; readonly manifestKey: string };

/** Decides from what is there what a dataset lacks next: nothing that is there is asked for again. */
export function decideNext(
  { request, requestId, keepsText }: DatasetRequest,
  { planId, given, differs = false }: JobAnswers,
  { plan, datasetId, manifestKey, split, keys }: WhatIsThere,
): NextOfDataset {
  const { runId, askedAtMs, known, corpus } = request;
  if (corpus.dataset !== undefined)
    return { kind: 'ask', stage: 'inventory', flow: { job: { kind: 'import', runId, requestId } } };
  if (planId === undefined || plan === undefined) {
    const job: DatasetFlowJob = { kind: 'inventory', runId, requestId, askedAtMs };
    return { kind: 'ask', stage: 'inventory', flow: { job } };
  }
  const chunks = largestFirst(plan, 0, [...plan.chunkBytes.keys()]);
  const surveysLacking = (words: WordCase | undefined): JobFlow<DatasetFlowJob>[] =>
    chunks
      .filter((chunk) => isSurveyLacking(plan, chunk, words, keepsText, keys))
      .map((chunk) => ({ job: surveyOf(runId, planId, chunk, words, keepsText) }));
  const common = { runId, planId, requestId, ...(given && { given }) };
  if (known !== undefined && !differs) {
    const job: DatasetFlowJob = { kind: 'compare', ...common };
    return { kind: 'ask', stage: 'survey', flow: { job, after: surveysLacking(undefined) } };
  }
  if (datasetId === undefined) {
    const words = wordsFor(request);
    const after =
      words === undefined
        ? surveysLacking(undefined)
        : wordsFlows({ runId, plan, words, keepsText, keys });
    const job: DatasetFlowJob = { kind: 'vocabulary', ...common };
    return { kind: 'ask', stage: after.length > 0 ? 'survey' : 'vocabulary', flow: { job, after } };
  }
  const seal: DatasetFlowJob = { kind: 'seal', runId, datasetId, requestId };
  // Whoever sealed it may have died before all was deleted that lay between.
  if (manifestKey !== undefined)
    return [...keys].some(isBetween)
      ? { kind: 'ask', stage: 'assemble', flow: { job: seal } }
      : { kind: 'there', manifestKey };
  if (split === undefined) {
    const after = chunks
      .filter((chunk) => !keys.has(tokenisedKey(datasetId, chunk)))
      .map((chunk) => ({ job: { kind: 'tokenise', runId, datasetId, chunk } as const }));
    const job: DatasetFlowJob = { kind: 'split', runId, datasetId };
    return { kind: 'ask', stage: 'tokenise', flow: { job, after } };
  }
  if (plan.corpus.nearDuplicates !== undefined && !keys.has(leftOutKey(datasetId))) {
    const job: DatasetFlowJob = { kind: 'nearDuplicates', runId, datasetId };
    return { kind: 'ask', stage: 'nearDuplicates', flow: { job } };
  }
  const after = shardGroups(split)
    .filter((group) => !keys.has(assembledKey(datasetId, group.split, group.first)))
    .map(({ split: of, first: shard }) => ({
      job: { kind: 'assemble', runId, datasetId, split: of, shard } as const,
    }));
  return { kind: 'ask', stage: 'assemble', flow: { job: seal, after } };
}

function surveyOf(
  runId: string,
  planId: string,
  chunk: number,
  words: WordCase | undefined,
  keepsText: boolean,
): DatasetFlowJob {
  return {
    kind: 'survey',
    runId,
    planId,
    chunk,
    ...(words && { words }),
    ...(keepsText && { keepsText }),
  };
}

function isSurveyLacking(
  { planId }: Plan,
  chunk: number,
  words: WordCase | undefined,
  keepsText: boolean,
  keys: ReadonlySet<string>,
): boolean {
  return (
    !keys.has(surveyKey(planId, chunk)) ||
    (words !== undefined && !keys.has(wordsKey(planId, words, 0, chunk))) ||
    (keepsText && !keys.has(textListKey(planId, chunk)))
  );
}

/** Lists of a level, here chunks and sums of their words, by the largest chunk below: what takes longest is begun first. */
function largestFirst(
  { chunkBytes }: Plan,
  level: number,
  lists: readonly number[],
): readonly number[] {
  const numChunks = mergeWidth ** level;
  const sizeOf = (list: number): number =>
    chunkBytes
      .slice(list * numChunks, (list + 1) * numChunks)
      .reduce((most, size) => Math.max(most, size), 0);
  const sizes = new Map(lists.map((list) => [list, sizeOf(list)]));
  return lists.toSorted((a, b) => sizes.get(b)! - sizes.get(a)!);
}

interface WordsOfPlan {
  readonly runId: string;
  readonly plan: Plan;
  /** Undefined where their sum is there. */
  readonly words: WordCase | undefined;
  readonly keepsText: boolean;
  readonly keys: ReadonlySet<string>;
}

/** The jobs that lead to the sum of all words, as far as they are not done. */
function wordsFlows(options: WordsOfPlan): JobFlow<DatasetFlowJob>[] {
  const numLists = numListsByLevel(options.plan.chunkBytes.length);
  return flowsOfList(options, numLists, numLists.length - 1, 0);
}

function flowsOfList(
  options: WordsOfPlan,
  numLists: readonly number[],
  level: number,
  index: number,
): JobFlow<DatasetFlowJob>[] {
  const { runId, plan, words, keepsText, keys } = options;
  const { planId } = plan;
  if (level === 0) {
    return isSurveyLacking(plan, index, words, keepsText, keys)
      ? [{ job: surveyOf(runId, planId, index, words, keepsText) }]
      : [];
  }
  const isThere = words !== undefined && keys.has(wordsKey(planId, words, level, index));
  const last = Math.min(numLists[level - 1] ?? 0, (index + 1) * mergeWidth);
  const after: JobFlow<DatasetFlowJob>[] = [];
  const lists = Array.from({ length: last - index * mergeWidth }, (_, i) => index * mergeWidth + i);
  for (const below of largestFirst(plan, level - 1, lists))
    after.push(
      ...flowsOfList(
        isThere ? { ...options, words: undefined } : options,
        numLists,
        level - 1,
        below,
      ),
    );
  if (isThere || words === undefined) return after;
  return [{ job: { kind: 'mergeCounts', runId, planId, words, level, index }, after }];
}
