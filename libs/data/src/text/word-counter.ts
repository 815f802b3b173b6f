import { basicTokenize, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import { splitChunks } from './tokenizer.ts';
import { detach } from './word-cache.ts';
import { isTooLong } from './wordpiece.ts';

/** How often each word occurs. */
export type WordCounts = ReadonlyMap<string, number>;

export interface WordCounterOptions extends BasicTokenizerOptions {
  /** Distinct words kept, about 100 bytes each. Default 4,000,000. */
  readonly maxDistinctWords?: number;
}

/** Counts the words of a corpus in bounded memory. */
export interface WordCounter {
  add(sentence: string): void;
  /** Adds what another counter, perhaps in another process, has counted. */
  merge(counts: WordCounts): void;
  /** The counts so far; the map stays the counter's own. */
  counts(): WordCounts;
}

// Text between spaces ("word," "(word") is counted as it stands and tokenised once for all its occurrences.
const maxPendingChunks = 1 << 18;

const loneSurrogate = /\p{Cs}/u;

/**
 * A counter over basic-tokenised words. When there are more than `maxDistinctWords`, the rarest are forgotten until
 * half are left: words of count 1, then 2, and so on. Up to that point the counts depend neither on the order of the
 * sentences nor on how they were spread over counters; after it, on nothing else.
 */
export function createWordCounter({
  doLowerCase,
  maxDistinctWords = 4_000_000,
}: WordCounterOptions): WordCounter {
  const pending = new Map<string, number>();
  const counts = new Map<string, number>();

  const count = (word: string, times: number): void => {
    counts.set(word, (counts.get(word) ?? 0) + times);
    if (counts.size > maxDistinctWords) pruneRarest(counts, maxDistinctWords >> 1);
  };
  const flush = (): void => {
    for (const [chunk, times] of pending) {
      for (const word of basicTokenize(chunk, { doLowerCase })) {
        if (!isTooLong(word) && !loneSurrogate.test(word)) count(detach(word), times);
      }
    }
    pending.clear();
  };

  return {
    add: (sentence) => {
      for (const chunk of splitChunks(sentence)) {
        const times = pending.get(chunk);
        pending.set(times === undefined ? detach(chunk) : chunk, (times ?? 0) + 1);
      }
      if (pending.size >= maxPendingChunks) flush();
    },
    merge: (other) => {
      for (const [word, times] of other) count(word, times);
    },
    counts: () => {
      flush();
      return counts;
    },
  };
}

function pruneRarest(counts: Map<string, number>, numKept: number): void {
  for (let rarest = 1; counts.size > numKept; rarest += 1) {
    for (const [word, times] of counts) if (times <= rarest) counts.delete(word);
  }
}
