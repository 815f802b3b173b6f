import { setTimeout as sleep } from 'node:timers/promises';

export interface ChunkOptions<T> {
  readonly maxItems: number;
  /** Of all items of a chunk together; one that is larger is a chunk of its own. */
  readonly maxSize: number;
  readonly sizeOf: (item: T) => number;
  /** An item that has not come by then is left for the next chunk. @defaultValue it is waited for */
  readonly maxWaitMs?: number | undefined;
}

/** Items as they come, several at a time. */
export async function* inChunks<T>(
  items: AsyncIterable<T>,
  { maxItems, maxSize, sizeOf, maxWaitMs }: ChunkOptions<T>,
): AsyncGenerator<T[]> {
  const iterator = items[Symbol.asyncIterator]();
  let chunk: T[] = [];
  let size = 0;
  try {
    for (let next = iterator.next(); ;) {
      const isLate =
        maxWaitMs !== undefined && chunk.length > 0 && (await isLater(next, maxWaitMs));
      if (isLate) {
        yield chunk;
        [chunk, size] = [[], 0];
      }
      const { value, done } = await next;
      if (done === true) break;
      const added = sizeOf(value);
      if (chunk.length > 0 && (chunk.length >= maxItems || size + added > maxSize)) {
        yield chunk;
        [chunk, size] = [[], 0];
      }
      chunk.push(value);
      size += added;
      next = iterator.next();
    }
    if (chunk.length > 0) yield chunk;
  } finally {
    await iterator.return?.();
  }
}

async function isLater(next: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  const late = sleep(ms, true, { signal: timer.signal }).catch(() => false);
  const isLate = await Promise.race([
    late,
    next.then(
      () => false,
      () => false,
    ),
  ]);
  timer.abort();
  return isLate;
}
