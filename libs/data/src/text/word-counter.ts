import { basicTokenize, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import { mergingWordCounts, type MergeLimits } from './merge-word-counts.ts';
import { splitChunks } from './tokenizer.ts';
import { detach } from './word-cache.ts';
import { encodingWordCounts } from './word-counts.ts';
import { isTooLong } from './wordpiece.ts';
import { inTurns, type Work } from './work.ts';

export interface WordCounterOptions extends BasicTokenizerOptions, MergeLimits {
  /** Distinct words counted before they become a sorted list, about 100 bytes each. @defaultValue 2^17 */
  readonly maxWordsInMap?: number;
}

/** Counts the words of a text in bounded memory. */
export interface WordCounter {
  add(sentences: Iterable<string>): Promise<void>;
  /**
   * What was counted so far, as `decodeWordCounts` reads it. Until there are more words than the limits allow it depends neither on the order
   * of the sentences nor on how they were spread over counters whose lists were merged; after that, on nothing else.
   */
  encode(): Promise<Uint8Array>;
}

// Text between spaces ("word," "(word") is counted as it stands and tokenised once for all its occurrences.
const maxPendingChunks = 1 << 17;
const maxPendingLength = 64;
const chunksBetweenPauses = 1 << 10;

const loneSurrogate = /\p{Cs}/u;

/** A counter over basic-tokenised words; words that are [UNK] whatever the vocabulary are not counted. */
export function createWordCounter({
  doLowerCase,
  maxWordsInMap = 1 << 17,
  ...limits
}: WordCounterOptions): WordCounter {
  const pending = new Map<string, number>();
  const counts = new Map<string, number>();
  /** Each is at least twice as long as the next. */
  const lists: Uint8Array[] = [];

  const count = (chunk: string, times: number): void => {
    for (const word of basicTokenize(chunk, { doLowerCase }))
      if (!isTooLong(word) && !loneSurrogate.test(word))
        counts.set(detach(word), (counts.get(word) ?? 0) + times);
  };
  function* countPending(): Work<void> {
    let numChunks = 0;
    for (const [chunk, times] of pending) {
      count(chunk, times);
      if (counts.size >= maxWordsInMap) yield* listCounts();
      numChunks += 1;
      if (numChunks % chunksBetweenPauses === 0) yield;
    }
    pending.clear();
  }
  function* listCounts(): Work<void> {
    let last = yield* encodingWordCounts(counts);
    counts.clear();
    while (lists.length > 0 && lists.at(-1)!.length < 2 * last.length)
      last = yield* mergingWordCounts([lists.pop()!, last], limits);
    lists.push(last);
  }
  function* addAll(sentences: Iterable<string>): Work<void> {
    let numChunks = 0;
    for (const sentence of sentences)
      for (const chunk of splitChunks(sentence)) {
        if (chunk.length > maxPendingLength) count(chunk, 1);
        else {
          const times = pending.get(chunk);
          pending.set(times === undefined ? detach(chunk) : chunk, (times ?? 0) + 1);
        }
        if (counts.size >= maxWordsInMap) yield* listCounts();
        if (pending.size >= maxPendingChunks) yield* countPending();
        numChunks += 1;
        if (numChunks % chunksBetweenPauses === 0) yield;
      }
  }
  function* encodeAll(): Work<Uint8Array> {
    yield* countPending();
    yield* listCounts();
    lists.splice(0, lists.length, yield* mergingWordCounts(lists, limits));
    return lists[0]!;
  }

  return {
    add: (sentences) => inTurns(addAll(sentences)),
    encode: () => inTurns(encodeAll()),
  };
}
