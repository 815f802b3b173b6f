import { expect, it } from 'vitest';
import { inChunks } from './in-chunks.ts';

async function* from(items: readonly number[]): AsyncGenerator<number> {
  yield* items;
}

async function all<T>(chunks: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return list;
}

it('gives so many items at a time, and of so much together', async () => {
  const options = { maxItems: 3, maxSize: 10, sizeOf: (item: number) => item };
  const chunks = await all(inChunks(from([1, 1, 1, 1, 9, 1, 50, 1]), options));
  expect(chunks).toEqual([[1, 1, 1], [1, 9], [1], [50], [1]]);
  expect(await all(inChunks(from([]), options))).toEqual([]);
});

it('does not wait for an item that has not come', async () => {
  const options = { maxItems: 3, maxSize: 10, sizeOf: () => 1, maxWaitMs: 1 };
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  async function* asking(): AsyncGenerator<number> {
    yield 1;
    yield 2;
    await answered;
    yield 3;
  }
  const chunks: number[][] = [];
  for await (const chunk of inChunks(asking(), options)) {
    chunks.push(chunk);
    answer();
  }
  expect(chunks.flat()).toEqual([1, 2, 3]);
  expect(chunks.length).toBeGreaterThan(1);
});

it('ends what it reads when it is left', async () => {
  let isEnded = false;
  async function* endless(): AsyncGenerator<number> {
    try {
      for (;;) yield 1;
    } finally {
      isEnded = true;
    }
  }
  for await (const _chunk of inChunks(endless(), { maxItems: 2, maxSize: 9, sizeOf: () => 1 }))
    break;
  expect(isEnded).toBe(true);
});
