import {
  planSchema,
  type JobProgress,
  type ObjectStore,
  type Plan,
  type SurveyJob,
} from '@berth/contracts';
import { chunkWithin } from '../corpus/corpus-roots.ts';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { digestPieces } from '../corpus/digest-pieces.ts';
import { createWordCounter } from '../text/word-counter.ts';
import { createTextKeeper, getChunk, readText } from './chunk-text.ts';
import { planKey, surveyKey, textListKey, wordsKey } from './keys.ts';
import { requireTextRules } from './require-text-rules.ts';
import type { StageOptions } from './stage-options.ts';
import { getJson, putJson } from './stored-json.ts';

/** @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export function getPlan(store: ObjectStore, planId: string): Promise<Plan> {
  return getJson(store, planSchema, planKey(planId));
}

/**
 * Does a survey job: stores the digests of a chunk's pieces, its words, and its text where others need it.
 * @throws BerthError `DATA_CORPUS_*`, also when a file has changed since it was listed, `DATA_TEXT_RULES`, and what the store throws
 */
export async function surveyChunk(
  { planId, chunk: index, words, keepsText }: SurveyJob,
  store: ObjectStore,
  { roots = [], s3, signal, onProgress = () => undefined }: StageOptions = {},
): Promise<JobProgress> {
  const plan = await getPlan(store, planId);
  const chunk = await getChunk(store, plan, index);
  const isMissing = async (key: string): Promise<boolean> => (await store.head(key)) === undefined;
  const numBytes = plan.chunkBytes[index] ?? 0;
  const needsWords = words !== undefined && (await isMissing(wordsKey(planId, words, 0, index)));
  const needsText = keepsText === true && (await isMissing(textListKey(planId, index)));
  let numDocuments = 0;
  if (needsWords || needsText) {
    requireTextRules(plan);
    const tally = createCorpusTally();
    const counter = needsWords
      ? createWordCounter({
          doLowerCase: words === 'uncased',
          pretokenised: plan.corpus.pretokenised,
        })
      : undefined;
    const keeper = needsText ? createTextKeeper(store, planId, index) : undefined;
    onProgress({ numBytes: 0, numDocuments });
    for await (const document of readText(store, plan, index, { roots, s3, signal, tally })) {
      await counter?.add(document.sentences);
      await keeper?.add(document);
      numDocuments += 1;
      onProgress({ numBytes: tally.numBytes, numDocuments });
    }
    await keeper?.finish(tally);
    if (counter !== undefined && words !== undefined)
      await store.put(wordsKey(planId, words, 0, index), await counter.encode());
  }
  if (await isMissing(surveyKey(planId, index))) {
    const onRead = (num: number): void =>
      needsWords || needsText ? undefined : onProgress({ numBytes: num, numDocuments });
    const digests = await digestPieces(await chunkWithin(roots, chunk), { signal, onRead });
    await putJson(store, surveyKey(planId, index), digests);
  }
  const done = { numBytes, numDocuments };
  onProgress(done);
  return done;
}
