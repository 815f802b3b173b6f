import type { MergeCountsJob, ObjectStore, WordCase } from '@berth/contracts';
import { mergeWordCounts } from '../text/merge-word-counts.ts';
import { wordsKey } from './keys.ts';
import { getPlan } from './survey-chunk.ts';
import type { StageOptions } from './stage-options.ts';

/** Lists that are added up by one job. */
export const mergeWidth = 16;
/** What is merged at once is held together. */
const heldBytes = 96 * 2 ** 20;
/** More than the largest list that merging leaves. */
const maxListBytes = 256 * 2 ** 20;

/** Lists at each level: those of the chunks, their sums, the sums of those, up to the one of all. */
export function numListsByLevel(numChunks: number): number[] {
  const numLists = [numChunks];
  while (numLists.at(-1)! > 1) numLists.push(Math.ceil(numLists.at(-1)! / mergeWidth));
  return numLists;
}

/** Does a job that adds up words. @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws */
export async function mergeChunkWords(
  { planId, words, level, index }: MergeCountsJob,
  store: ObjectStore,
  { signal }: StageOptions = {},
): Promise<void> {
  const key = wordsKey(planId, words, level, index);
  if ((await store.head(key)) !== undefined) return;
  const { chunkBytes } = await getPlan(store, planId);
  const numBelow = numListsByLevel(chunkBytes.length)[level - 1] ?? 0;
  const last = Math.min(numBelow, (index + 1) * mergeWidth);
  let held: Uint8Array[] = [];
  let numHeld = 0;
  for (let below = index * mergeWidth; below < last; below++) {
    const list = await getWords(store, planId, words, level - 1, below);
    held.push(list);
    numHeld += list.length;
    if (numHeld < heldBytes) continue;
    held = [await mergeWordCounts(held, {}, signal)];
    numHeld = held[0]!.length;
  }
  await store.put(key, await mergeWordCounts(held, {}, signal));
}

/** All words of a plan. @throws what the store throws */
export async function getAllWords(
  store: ObjectStore,
  planId: string,
  words: WordCase,
): Promise<Uint8Array> {
  const { chunkBytes } = await getPlan(store, planId);
  return getWords(store, planId, words, numListsByLevel(chunkBytes.length).length - 1, 0);
}

function getWords(
  store: ObjectStore,
  planId: string,
  words: WordCase,
  level: number,
  index: number,
): Promise<Uint8Array> {
  return store.get(wordsKey(planId, words, level, index), { maxBytes: maxListBytes });
}
