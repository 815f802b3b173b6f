import {
  BerthError,
  columnOf,
  sha256Hex,
  silentLogger,
  tasks,
  type ExampleShard,
  type ObjectStore,
} from '@berth/contracts';
import { batchOf, createScratch, encodeExampleShard, taskExamples } from '@berth/data';
import type { ExampleIndex } from '@berth/queue';
import { expect, it } from 'vitest';
import { createByteGate } from './byte-gate.ts';
import { createExampleShards } from './example-shards.ts';

const example = {
  ids: Uint16Array.of(2, 5, 3, 6, 3),
  numFirstSegment: 3,
  maskedPositions: [1],
  maskedLabels: [7],
  isRandomNext: false,
};
const settings = { maxSeqLength: 8, maxPredictions: 2 };
const keep = createScratch({ thresholdBytes: 0, onTrouble: expect.unreachable as never });
const bytes = encodeExampleShard([example], { exampleSetId: 'a'.repeat(64), ...settings });
const shard: ExampleShard = {
  split: 'train',
  epoch: 0,
  shard: 3,
  key: 'examples/set/train-e0-s3.bex',
  sha256: sha256Hex(bytes),
  sizeBytes: bytes.byteLength,
  numExamples: 1,
  numTokens: 5,
  numPredictions: 1,
};

/** Opens a shard of which the bucket holds this, until it is asked for anew and `remade` is stored. */
async function openShard(
  held: Uint8Array | undefined,
  remade: Uint8Array,
): Promise<{ numExamples: number; numForgotten: number }> {
  let isNoted = true;
  let numForgotten = 0;
  const index = {
    get: async () => (isNoted ? shard : undefined),
    async forget() {
      numForgotten++;
      isNoted = false;
      // Whoever supplies examples sees that it is missing, and has it made: what is stored already stays.
      setImmediate(() => {
        isNoted = true;
        held ??= remade;
      });
    },
  } as Partial<ExampleIndex> as ExampleIndex;
  const store = {
    async get(key) {
      if (held !== undefined) return held;
      throw new BerthError('STORE_NOT_FOUND', key);
    },
    delete: async () => void (held = undefined),
  } as Partial<ObjectStore> as ObjectStore;
  const { signal } = new AbortController();
  const options = { timeoutMs: 300_000, numKept: 2, signal, logger: silentLogger };
  const shards = createExampleShards({
    format: taskExamples.pretraining,
    areSameEachEpoch: false,
    numHeldOutShards: 1,
    index,
    store,
    keep,
    gate: createByteGate(1),
    ...options,
  });
  const { numExamples } = await shards.open(0, 3);
  return { numExamples, numForgotten };
}

it.each([
  ['gone from the bucket', undefined],
  ['cut off', bytes.subarray(0, 40)],
  ['empty', new Uint8Array()],
  ['another one', Uint8Array.from(bytes).fill(9, 70, 71)],
])('asks for a shard again that is %s, though the index knows it', async (_, held) => {
  expect(await openShard(held, bytes)).toEqual({ numExamples: 1, numForgotten: 1 });
});

it('does not ask for ever for a shard that comes back damaged', async () => {
  const damaged = bytes.subarray(0, 40);
  await expect(openShard(damaged, damaged)).rejects.toMatchObject({ code: 'DATA_SHARD_CORRUPT' });
});

it('gives the held-out examples of all their shards, one shard open at a time', async () => {
  const words = [5, 6, 7];
  const packed = words.map((word) =>
    encodeExampleShard(
      Array.from({ length: word }, () => ({ ...example, ids: Uint16Array.of(2, word, 3) })),
      { exampleSetId: 'a'.repeat(64), ...settings },
    ),
  );
  const read: string[] = [];
  const index = {
    get: async ({ shard: place }) => ({
      ...shard,
      split: 'heldOut',
      shard: place,
      key: String(place),
      sha256: sha256Hex(packed[place]!),
      sizeBytes: packed[place]!.byteLength,
      numExamples: words[place]!,
      numTokens: 3 * words[place]!,
      numPredictions: words[place]!,
    }),
  } as Partial<ExampleIndex> as ExampleIndex;
  const store = {
    async get(key) {
      read.push(key);
      return packed[Number(key)]!;
    },
  } as Partial<ObjectStore> as ObjectStore;
  const shards = createExampleShards({
    format: taskExamples.pretraining,
    areSameEachEpoch: false,
    numHeldOutShards: words.length,
    index,
    store,
    timeoutMs: 1000,
    numKept: 1,
    keep,
    gate: createByteGate(1),
    signal: new AbortController().signal,
    logger: silentLogger,
  });
  const heldOut = await shards.heldOut();
  expect(heldOut.numExamples).toBe(18);
  expect(read).toEqual([]);
  const found: (number | undefined)[] = [];
  for (const place of [0, 4, 5, 10, 11, 17]) {
    const row = await heldOut.rowOf(place);
    const batch = batchOf(tasks.pretraining, settings, [row]);
    found.push(columnOf(batch, 'inputIds')[1]);
  }
  expect(found).toEqual([5, 5, 6, 6, 7, 7]);
  expect(read).toEqual(['0', '1', '2']);
});
