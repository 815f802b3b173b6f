/**
 * Applies `task` to every item, at most `limit` at once, each taken when it is its turn, and returns the results in order. The first failure aborts the
 * signal given to the others, waits for them, and is thrown.
 */
export async function mapConcurrently<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  task: (item: Item, signal: AbortSignal, index: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const results: Result[] = [];
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let numTaken = 0;
  let turn: Promise<unknown> = Promise.resolve();
  /** One at a time, as iterators want it. */
  const take = (): Promise<{ readonly item: Item; readonly index: number } | undefined> => {
    const taken = turn.then(async () => {
      controller.signal.throwIfAborted();
      const next = await iterator.next();
      return next.done === true ? undefined : { item: next.value, index: numTaken++ };
    });
    turn = taken.catch(() => undefined);
    return taken;
  };
  const drain = async (): Promise<void> => {
    try {
      for (let next = await take(); next !== undefined; next = await take())
        results[next.index] = await task(next.item, controller.signal, next.index);
    } catch (error) {
      controller.abort(error);
    }
  };
  await Promise.all(Array.from({ length: limit }, drain));
  if (controller.signal.aborted) await iterator.return?.();
  signal?.removeEventListener('abort', abort);
  controller.signal.throwIfAborted();
  return results;
}
