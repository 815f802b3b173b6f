import { BerthError, silentLogger, type ExampleShard, type ObjectStore } from '@berth/contracts';
import { encodeExampleShard } from '@berth/data';
import type { ExampleIndex } from '@berth/queue';
import { expect, it } from 'vitest';
import { createExampleShards } from './example-shards.ts';

it('asks for a shard again that is gone from the bucket, though the index knows it', async () => {
  const example = {
    ids: Uint16Array.of(2, 5, 3, 6, 3),
    numFirstSegment: 3,
    maskedPositions: [1],
    maskedLabels: [7],
    isRandomNext: false,
  };
  const settings = { maxSeqLength: 8, maxPredictions: 2 };
  const bytes = encodeExampleShard([example], { exampleSetId: 'a'.repeat(64), ...settings });
  const sha256 = await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes));
  const shard: ExampleShard = {
    split: 'train',
    epoch: 0,
    shard: 3,
    key: 'examples/set/train-e0-s3.bex',
    sha256: Buffer.from(sha256).toString('hex'),
    sizeBytes: bytes.byteLength,
    numExamples: 1,
    numTokens: 5,
    numPredictions: 1,
  };
  let isNoted = true;
  let isStored = false;
  let numForgotten = 0;
  const index = {
    get: async () => (isNoted ? shard : undefined),
    async forget() {
      numForgotten++;
      isNoted = false;
      // Whoever supplies examples sees that it is missing, and has it made.
      setImmediate(() => (isNoted = isStored = true));
    },
  } as Partial<ExampleIndex> as ExampleIndex;
  const store = {
    async get(key) {
      if (isStored) return bytes;
      throw new BerthError('STORE_NOT_FOUND', key);
    },
  } as Partial<ObjectStore> as ObjectStore;
  const { signal } = new AbortController();
  const shards = createExampleShards({
    index,
    store,
    timeoutMs: 5_000,
    numKept: 2,
    signal,
    logger: silentLogger,
  });
  expect((await shards.open(0, 3)).numExamples).toBe(1);
  expect(numForgotten).toBe(1);
});
