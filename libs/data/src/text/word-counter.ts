import { basicTokenize, type BasicTokenizerOptions } from './basic-tokenizer.ts';
import { cutText } from './cut-text.ts';
import { mergingWordCounts, type MergeLimits } from './merge-word-counts.ts';
import { ChunkTable, scanChunks } from './chunk-table.ts';
import { splitLong } from './tokenizer.ts';
import { detach } from './detach.ts';
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
const charactersBetweenPauses = 1 << 16;

const loneSurrogate = /\p{Cs}/u;

/** A counter over basic-tokenised words; words that are [UNK] whatever the vocabulary are not counted. */
export function createWordCounter({
  doLowerCase,
  pretokenised = false,
  maxWordsInMap = 1 << 17,
  ...limits
}: WordCounterOptions): WordCounter {
  const pending = new ChunkTable(maxPendingChunks);
  const pendingTimes = new Float64Array(maxPendingChunks);
  const counts = new Map<string, number>();
  /** Each is at least twice as long as the next. */
  const lists: Uint8Array[] = [];

  const count = (chunk: string, times: number): void => {
    for (const word of basicTokenize(chunk, { doLowerCase, pretokenised }))
      if (!isTooLong(word) && !loneSurrogate.test(word))
        counts.set(detach(word), (counts.get(word) ?? 0) + times);
  };
  function* countPending(): Work<void> {
    for (let chunk = 0; chunk < pending.size; chunk++) {
      count(pending.textOf(chunk), pendingTimes[chunk]!);
      if (counts.size >= maxWordsInMap) yield* listCounts();
      if (chunk % chunksBetweenPauses === 0) yield;
    }
    pending.clear();
    pendingTimes.fill(0);
  }
  function* listCounts(): Work<void> {
    let last = yield* encodingWordCounts(counts);
    counts.clear();
    while (lists.length > 0 && lists.at(-1)!.length < 2 * last.length)
      last = yield* mergingWordCounts([lists.pop()!, last], limits);
    lists.push(last);
  }
  /** Counts what is short or known. @returns the rest */
  const addShort = (sentence: string): string[] => {
    const rest: string[] = [];
    scanChunks(sentence, (from, to, hash) => {
      if (to - from <= maxPendingLength) {
        const known = pending.find(sentence, from, to, hash);
        const chunk = known < 0 ? pending.add(sentence, from, to, hash) : known;
        if (chunk >= 0) {
          pendingTimes[chunk]! += 1;
          return;
        }
      }
      rest.push(sentence.slice(from, to));
    });
    return rest;
  };
  function* addPart(text: string): Work<void> {
    for (const long of addShort(text))
      for (const chunk of splitLong(long, pretokenised)) {
        count(chunk, 1);
        if (counts.size >= maxWordsInMap) yield* listCounts();
      }
    if (pending.isFull) yield* countPending();
  }
  function* addAll(sentences: Iterable<string>): Work<void> {
    let numCharacters = 0;
    for (const sentence of sentences)
      for (const { text } of cutText(sentence, { doLowerCase, pretokenised })) {
        yield* addPart(text);
        numCharacters += text.length;
        if (numCharacters < charactersBetweenPauses && text !== '') continue;
        yield;
        numCharacters = 0;
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
