import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { documentHash, heldOutValue, shardOfHash } from './document-hash.ts';
import { mergeRuns } from './merge-runs.ts';
import { createRunBuilder, heldOutBucket, numBucketsOf, trainBucket } from './run-file.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const store = folderStore(join(folder, 'store'));

const buckets = { numParts: 2, numShards: 3 };
/** Few of them, so that some are equal. */
const hash = fc.constantFrom(
  ...Array.from({ length: 24 }, (_, n) =>
    Uint8Array.from({ length: 16 }, (__, at) => (n * 37 + at * 101 + n * at * 13) % 256),
  ),
);
const document = fc.record({
  hash,
  name: fc.string({ unit: 'binary', maxLength: 5 }),
  part: fc.nat(1),
  sentences: fc.array(fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 3,
  }),
});
const chunks = fc.array(fc.array(document, { maxLength: 12 }), { minLength: 1, maxLength: 5 });

it('run files give every document of a bucket once, in one order', async () => {
  const numBuckets = numBucketsOf(buckets);
  await fc.assert(
    fc.asyncProperty(chunks, async (all) => {
      const bucketOf = (one: (typeof all)[number][number]): number =>
        heldOutValue(one.hash) < 0.3
          ? heldOutBucket(buckets, one.hash)
          : trainBucket(buckets, one.part, one.hash);
      for (const [chunk, documents] of all.entries()) {
        const builder = createRunBuilder(buckets, 2, chunk);
        for (const [number, one] of documents.entries())
          builder.add(one, bucketOf(one), { ...one, number });
        await store.put(`run-${chunk}`, await builder.finish());
      }
      const ranges = Array.from({ length: 6 }, (_, bucket) => [bucket, bucket + 1] as const);
      const found: string[] = [];
      for (const [first, end] of [...ranges, [6, 6 + 128] as const, [6 + 128, 6 + 256] as const]) {
        const runs = all.map((_, chunk) => ({
          key: `run-${chunk}`,
          chunk,
          numBuckets,
          first,
          end,
        }));
        const keys: string[] = [];
        const ordered: string[] = [];
        for await (const record of mergeRuns(store, runs)) {
          const hex = Buffer.from(record.hash).toString('hex');
          keys.push(`${hex} ${Buffer.from(record.name).toString('hex')}`);
          expect(Buffer.from(record.document.subarray(0, 16)).toString('hex')).toBe(hex);
          const place = [record.chunk, record.number].map((one) => String(one).padStart(2, '0'));
          ordered.push(`${keys.at(-1)} ${place.join(' ')}`);
          found.push(`${record.part} ${ordered.at(-1)}`);
        }
        expect(keys).toEqual(keys.toSorted());
        expect(ordered).toEqual(ordered.toSorted());
      }
      const expected = all.flatMap((documents, chunk) =>
        documents.map((one, number) => {
          const [hex, name] = [one.hash, one.name].map((text) => Buffer.from(text).toString('hex'));
          const place = [chunk, number].map((at) => String(at).padStart(2, '0'));
          return `${one.part} ${hex} ${name} ${place.join(' ')}`;
        }),
      );
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 60 },
  );
});

it('twice as many shards are the same ones halved, and each has its share of documents', () => {
  const sizes = new Uint32Array(8);
  let numHeldOut = 0;
  for (let n = 0; n < 20_000; n++) {
    const one = documentHash([`document ${n}`, 'and its end']);
    const shard = shardOfHash(one, 8);
    sizes[shard]! += 1;
    expect(shardOfHash(one, 16) >> 1).toBe(shard);
    if (heldOutValue(one) < 0.02) numHeldOut += 1;
  }
  // Five standard deviations.
  for (const size of sizes) expect(Math.abs(size - 2500)).toBeLessThan(5 * 47);
  expect(Math.abs(numHeldOut - 400)).toBeLessThan(5 * 20);
});

it('a bucket of very many documents is in the same order', async () => {
  const one = { numParts: 1, numShards: 1 };
  const builder = createRunBuilder(one, 2, 0);
  const count = 12_000;
  for (let n = 0; n < count; n++)
    builder.add({ hash: documentHash([`${n}`]), sentences: [[n]] }, 0, {
      part: 0,
      number: n,
      name: `${n}`,
    });
  await store.put('run-many', await builder.finish());
  const numBuckets = numBucketsOf(one);
  const hashes: string[] = [];
  for await (const record of mergeRuns(store, [
    { key: 'run-many', chunk: 0, numBuckets, first: 0, end: 1 },
  ]))
    hashes.push(Buffer.from(record.hash).toString('hex'));
  expect(hashes).toHaveLength(count);
  expect(hashes).toEqual(hashes.toSorted());
});
