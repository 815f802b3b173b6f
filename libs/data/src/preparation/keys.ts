import type { WordCase } from '@berth/contracts';

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

/** The documents of a chunk, for workers that do not see its files. */
export function textKey(planId: string, chunk: number): string {
  return `${planPrefix(planId)}text-${number(chunk)}.jsonl`;
}

export function datasetPrefix(datasetId: string): string {
  return `datasets/${datasetId}/`;
}

export function recipeKey(datasetId: string): string {
  return `${datasetPrefix(datasetId)}recipe.json`;
}

export function manifestKeyOf(datasetId: string): string {
  return `${datasetPrefix(datasetId)}manifest.json`;
}

function number(index: number): string {
  return String(index).padStart(5, '0');
}
