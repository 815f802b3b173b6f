import type { RowSource } from '../rows/row.ts';

/** Rows as a file may have them, in memory. */
export function rowsOf(...all: readonly Record<string, unknown>[]): RowSource {
  const rows = all.map((values, i) => ({ place: { path: 'rows', at: `line ${i + 1}` }, values }));
  return {
    path: 'rows',
    rows: async function* () {
      yield* await Promise.resolve(rows);
    },
  };
}

/** All that is yielded. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}
