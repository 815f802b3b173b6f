import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { datasetJobSchema, splitSchema, type DatasetFlowJob, type Split } from '@berth/contracts';
import * as fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest } from './read-dataset.ts';
import { shardGroups } from './shard-groups.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));

it('groups have every shard once, and none of two parts', () => {
  const splits = fc.record({
    numParts: fc.integer({ min: 1, max: 4 }),
    shardsPerPart: fc.integer({ min: 1, max: 9 }),
    shardsPerJob: fc.option(fc.integer({ min: 1, max: 12 }), { nil: undefined }),
    numHeldOutShards: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(splits, ({ numParts, shardsPerPart, shardsPerJob, numHeldOutShards }) => {
      const split: Split = {
        format: 'berth-split/1',
        numTrainShards: numParts * shardsPerPart,
        numHeldOutShards,
        shardsPerPart,
        ...(shardsPerJob !== undefined && { shardsPerJob }),
        numRuns: [1],
      };
      const all = { train: [] as number[], heldOut: [] as number[] };
      for (const { split: of, first, end } of shardGroups(split)) {
        const partOf = (shard: number): number =>
          of === 'train' ? Math.floor(shard / shardsPerPart) : 0;
        expect(partOf(first)).toBe(partOf(end - 1));
        for (let shard = first; shard < end; shard++) all[of].push(shard);
      }
      expect(all.train).toEqual(Array.from({ length: split.numTrainShards }, (_, shard) => shard));
      expect(all.heldOut).toEqual(Array.from({ length: numHeldOutShards }, (_, shard) => shard));
    }),
  );
});

it('a dataset is the same however many shards a job puts together', async () => {
  const parts = await Promise.all(
    [0, 1].map(async (part) => {
      const path = join(folder, `part-${part}.txt`);
      await writeFile(path, documents(90, 3 + part));
      return { name: `p${part}`, path };
    }),
  );
  const job = datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { parts, heldOutRatio: 0.1 },
    vocabulary: { size: 100, minFrequency: 1 },
    numShards: 5,
    seed: 1,
    askedAtMs: 1,
  });
  const madeBy = async (shardsPerJob: number): Promise<unknown> => {
    const store = folderStore(join(folder, `by-${shardsPerJob}`));
    const asked: number[] = [];
    const forced: typeof store = {
      ...store,
      put: (key, body, options) => {
        if (!key.endsWith('/split.json')) return store.put(key, body, options);
        const split = splitSchema.parse(JSON.parse(Buffer.from(body as Uint8Array).toString()));
        return store.put(key, Buffer.from(JSON.stringify({ ...split, shardsPerJob })), options);
      },
    };
    const onJob = (one: DatasetFlowJob): void => {
      if (one.kind === 'assemble' && one.split === 'train') asked.push(one.shard);
    };
    const key = await prepareDataset(job, forced, { onJob });
    expect(asked).toHaveLength(2 * Math.ceil(5 / shardsPerJob));
    return readDatasetManifest(store, key);
  };
  const alone = await madeBy(1);
  expect(await madeBy(2)).toEqual(alone);
  expect(await madeBy(5)).toEqual(alone);
});
