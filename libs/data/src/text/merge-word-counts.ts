import { createPriorityQueue } from './priority-queue.ts';
import { inTurns, type Work } from './work.ts';
import {
  compareWords,
  createWordListWriter,
  openWordList,
  type WordCursor,
  type WordList,
} from './word-list.ts';

export interface MergeLimits {
  /** @defaultValue 2^22 */
  readonly maxWords?: number;
  /** Of all words together, in UTF-8: what training takes memory for. @defaultValue 2^24, some two million words */
  readonly maxBytes?: number;
}

/**
 * Adds up lists of counts. Where more words are left than the limits allow, the rarest are dropped, and of equally rare ones those
 * with the larger hash; the list says how many. So the result is a function of the lists, which are together the only memory it takes.
 * @throws BerthError `DATA_SHARD_CORRUPT`
 */
export async function mergeWordCounts(
  lists: readonly Uint8Array[],
  limits: MergeLimits = {},
  signal?: AbortSignal,
): Promise<Uint8Array> {
  return await inTurns(mergingWordCounts(lists, limits), signal);
}

/** The same as work. */
export function* mergingWordCounts(
  lists: readonly Uint8Array[],
  { maxWords = 1 << 22, maxBytes = 1 << 24 }: MergeLimits = {},
): Work<Uint8Array> {
  const opened = lists.map((bytes, i) => openWordList(bytes, `list ${i + 1} of counted words`));
  const keeps = yield* findRule(opened, maxWords, maxBytes);
  const writer = createWordListWriter();
  const dropped = { numWords: 0, numOccurrences: 0 };
  for (const { dropped: before } of opened) {
    dropped.numWords += before.numWords;
    dropped.numOccurrences += before.numOccurrences;
  }
  yield* forEachWord(opened, (word, count) => {
    if (keeps(word, count)) return writer.add(word.bytes, word.length, count);
    dropped.numWords += 1;
    dropped.numOccurrences += count;
  });
  return writer.finish(dropped);
}

type Rule = (word: WordCursor, count: number) => boolean;

/** Words and bytes of a kind. */
interface Amount {
  numWords: number;
  numBytes: number;
}

const numHashes = 1 << 12;

/** Which words stay: those more frequent than some count, and of that count those below some hash. */
function* findRule(lists: readonly WordList[], maxWords: number, maxBytes: number): Work<Rule> {
  const sumOf = (amount: keyof Amount): number =>
    lists.reduce((sum, list) => sum + list[amount], 0);
  if (sumOf('numWords') <= maxWords && sumOf('numBytes') <= maxBytes) return () => true;
  const byCount = new Map<number, Amount>();
  yield* forEachWord(lists, (word, count) => addTo(byCount, count, word.length));
  const left = { numWords: maxWords, numBytes: maxBytes };
  const rarest = firstThatDoesNotFit(
    [...byCount].sort(([a], [b]) => b - a),
    left,
  );
  if (rarest === undefined) return () => true;
  const byHash = new Map<number, Amount>();
  yield* forEachWord(lists, (word, count) => {
    if (count === rarest) addTo(byHash, hashOf(word), word.length);
  });
  const endHash =
    firstThatDoesNotFit(
      [...byHash].sort(([a], [b]) => a - b),
      left,
    ) ?? numHashes;
  return (word, count) => count > rarest || (count === rarest && hashOf(word) < endHash);
}

function addTo(amounts: Map<number, Amount>, key: number, numBytes: number): void {
  const amount = amounts.get(key);
  if (amount === undefined) amounts.set(key, { numWords: 1, numBytes });
  else {
    amount.numWords += 1;
    amount.numBytes += numBytes;
  }
}

/** Takes amounts from what is left, until one does not fit. */
function firstThatDoesNotFit(
  amounts: readonly (readonly [key: number, amount: Amount])[],
  left: Amount,
): number | undefined {
  for (const [key, { numWords, numBytes }] of amounts) {
    if (numWords > left.numWords || numBytes > left.numBytes) return key;
    left.numWords -= numWords;
    left.numBytes -= numBytes;
  }
  return undefined;
}

/** FNV-1a, folded. */
function hashOf({ bytes, length }: WordCursor): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193);
  return (hash ^ (hash >>> 15)) & (numHashes - 1);
}

const wordsBetweenPauses = 4096;

/** Each word of all lists once, by code point, with the sum of its counts. */
function* forEachWord(
  lists: readonly WordList[],
  visit: (word: WordCursor, count: number) => void,
): Work<void> {
  const queue = createPriorityQueue<WordCursor>((a, b) => compareWords(a, b) < 0);
  for (const list of lists) {
    const cursor = list.cursor();
    if (cursor.next()) queue.push(cursor);
  }
  let numWords = 0;
  for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
    let count = first.count;
    const same: WordCursor[] = [first];
    for (let next = queue.peek(); next !== undefined; next = queue.peek()) {
      if (compareWords(next, first) !== 0) break;
      queue.pop();
      same.push(next);
      count += next.count;
    }
    visit(first, count);
    for (const cursor of same) if (cursor.next()) queue.push(cursor);
    numWords += 1;
    if (numWords % wordsBetweenPauses === 0) yield;
  }
}
