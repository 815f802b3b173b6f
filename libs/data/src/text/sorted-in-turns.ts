import { inTurns, type Work } from './work.ts';

/** Few enough to be sorted at once. */
const runLength = 1 << 13;
const mergedBetweenPauses = 1 << 14;

/**
 * A sorted copy, as `toSorted` makes it, while the event loop has its turns.
 * @throws the reason of `signal`
 */
export function sortedInTurns<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  signal?: AbortSignal,
): Promise<T[]> {
  return inTurns(sorting(items, compare), signal);
}

function* sorting<T>(items: readonly T[], compare: (a: T, b: T) => number): Work<T[]> {
  let from: T[] = [];
  for (let start = 0; start < items.length; start += runLength) {
    for (const item of items.slice(start, start + runLength).sort(compare)) from.push(item);
    yield;
  }
  let into: T[] = [];
  for (let length = runLength; length < from.length; length *= 2) {
    for (let start = 0; start < from.length; start += 2 * length)
      yield* merging(from, into, [start, start + length, start + 2 * length], compare);
    [from, into] = [into, from];
    into.length = 0;
  }
  return from;
}

/** Puts two sorted stretches behind what is there, as one. */
function* merging<T>(
  from: readonly T[],
  into: T[],
  [start, middle, end]: readonly [number, number, number],
  compare: (a: T, b: T) => number,
): Work<void> {
  const last = Math.min(end, from.length);
  let [left, right] = [start, Math.min(middle, last)];
  const leftEnd = right;
  while (left < leftEnd || right < last) {
    const isLeft = right >= last || (left < leftEnd && compare(from[left]!, from[right]!) <= 0);
    into.push(from[isLeft ? left++ : right++]!);
    if (into.length % mergedBetweenPauses === 0) yield;
  }
}
