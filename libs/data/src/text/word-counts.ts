import { mergingWordCounts } from './merge-word-counts.ts';
import { finish, type Work } from './work.ts';
import { createWordListWriter, openWordList, type DroppedWords } from './word-list.ts';

/** How often each word occurs; can be gone over several times. */
export type WordCounts = Iterable<readonly [word: string, count: number]>;

/** Counts that were stored. */
export interface StoredWordCounts extends WordCounts {
  readonly numWords: number;
  readonly dropped: DroppedWords;
}

const noneDropped: DroppedWords = { numWords: 0, numOccurrences: 0 };

/** Counts in their stored form: the same for the same counts, whatever order they come in. Words are of 200 code points at most. */
export function encodeWordCounts(counts: ReadonlyMap<string, number>): Uint8Array {
  return finish(encodingWordCounts(counts));
}

/** The same as work. */
export function* encodingWordCounts(counts: ReadonlyMap<string, number>): Work<Uint8Array> {
  const words = [...counts.keys()];
  const lists: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < words.length; start += wordsAtOnce) {
    lists.push(encodeSorted(words.slice(start, start + wordsAtOnce), counts));
    yield;
  }
  return lists.length === 1 ? lists[0]! : yield* mergingWordCounts(lists, noLimits);
}

const wordsAtOnce = 1 << 13;
const noLimits = { maxWords: Infinity, maxBytes: Infinity };

function encodeSorted(words: string[], counts: ReadonlyMap<string, number>): Uint8Array {
  const writer = createWordListWriter();
  const bytes = Buffer.alloc(1024);
  for (const word of sortedByCodePoint(words))
    writer.add(bytes, bytes.write(word), counts.get(word)!);
  return writer.finish(noneDropped);
}

/**
 * Reads counts one word after the other, by code point.
 * @param name - for messages
 * @throws BerthError `DATA_SHARD_CORRUPT`, also while words are read
 */
export function decodeWordCounts(bytes: Uint8Array, name = 'the counted words'): StoredWordCounts {
  const list = openWordList(bytes, name);
  return {
    numWords: list.numWords,
    dropped: list.dropped,
    *[Symbol.iterator]() {
      const cursor = list.cursor();
      while (cursor.next()) yield [cursor.bytes.toString('utf8', 0, cursor.length), cursor.count];
    },
  };
}

const surrogate = /[\ud800-\udfff]/;

function sortedByCodePoint(words: string[]): string[] {
  // The engine's own order, by code unit, is another one only where there are surrogates; it is much faster.
  words.sort();
  return words.some((word) => surrogate.test(word))
    ? words.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    : words;
}
