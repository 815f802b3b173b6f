/**
 * Applies `task` to every item, at most `limit` at once, and returns the results in order. The first failure aborts the
 * signal given to the others, waits for them, and is thrown.
 */
export async function mapConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  task: (item: Item, signal: AbortSignal) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  const results: Result[] = [];
  const entries = items.entries();
  const drain = async (): Promise<void> => {
    for (const [index, item] of entries) {
      controller.signal.throwIfAborted();
      try {
        results[index] = await task(item, controller.signal);
      } catch (error) {
        controller.abort(error);
      }
    }
  };
  await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, drain));
  signal?.removeEventListener('abort', abort);
  controller.signal.throwIfAborted();
  return results;
}
