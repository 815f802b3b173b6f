import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  datasetJobSchema,
  isBerthError,
  type DatasetFlowJob,
  type DatasetJob,
  type ObjectStore,
} from '@berth/contracts';
import { afterAll, describe, expect, it } from 'vitest';
import { documents } from '../testing/dataset-bench.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { prepareDataset } from './prepare-dataset.ts';
import { readDatasetManifest, readDocumentShard } from './read-dataset.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
let numStores = 0;
const newStore = (): ObjectStore => folderStore(join(folder, `store-${numStores++}`));

async function aJob(): Promise<DatasetJob> {
  const path = join(folder, `corpus-${numStores++}.txt`);
  await writeFile(path, documents(80));
  return datasetJobSchema.parse({
    kind: 'dataset',
    runId: 'r',
    corpus: { path, heldOutRatio: 0.1 },
    vocabulary: { size: 100, minFrequency: 1 },
    numShards: 3,
    seed: 3,
    askedAtMs: 1,
  });
}

/** Does something to the run files once the first shard is to be put together. */
function onceTokenised(store: ObjectStore, harm: (key: string) => Promise<void>) {
  let isHarmed: Promise<void> | undefined;
  const damaged: ObjectStore = {
    ...store,
    get: async (key, options) => {
      if (key.endsWith('.brun')) await (isHarmed ??= harm(key));
      return store.get(key, options);
    },
  };
  return damaged;
}

describe('run files', () => {
  it.each([
    [
      'cut off',
      async (store: ObjectStore, key: string) => {
        const bytes = await store.get(key);
        await store.put(key, bytes.slice(0, bytes.length - 100));
      },
    ],
    [
      'other bytes',
      async (store: ObjectStore, key: string) => {
        const bytes = Uint8Array.from(await store.get(key));
        for (let at = bytes.length - 2000; at < bytes.length; at += 97) bytes[at]! ^= 4;
        await store.put(key, bytes);
      },
    ],
    ['gone', async (store: ObjectStore, key: string) => store.delete(key)],
  ])('that are %s are found, and made again', async (_case, harm) => {
    const job = await aJob();
    const sound = newStore();
    const expected = await readDatasetManifest(sound, await prepareDataset(job, sound));
    const store = newStore();
    const key = await prepareDataset(
      job,
      onceTokenised(store, (run) => harm(store, run)),
    );
    expect(await readDatasetManifest(store, key)).toEqual(expected);
    for (const shard of expected.train) await readDocumentShard(store, shard);
  });

  it('that cannot be made again end the job, by name', async () => {
    const job = await aJob();
    const store = newStore();
    const { path = '' } = job.corpus;
    const harmed = onceTokenised(store, async (key) => {
      await store.delete(key);
      await rm(path);
    });
    await expect(prepareDataset(job, harmed)).rejects.toMatchObject({
      code: 'DATA_SHARD_CORRUPT',
      message: expect.stringMatching(/run-00000-00000\.brun is damaged or gone/) as string,
    });
  });
});

describe('a preparation that was ended', () => {
  it('goes on where it was, whichever job it was at, and gives the same', async () => {
    const job = await aJob();
    const sound = newStore();
    const seen: string[] = [];
    const onJob = ({ kind }: DatasetFlowJob): void => void seen.push(kind);
    const expected = await readDatasetManifest(sound, await prepareDataset(job, sound, { onJob }));
    const store = newStore();
    for (let at = 0; at < seen.length; at++) {
      // An inventory comes first each time.
      let left = 2;
      const once = (): void => {
        if (left-- === 0) throw new Error('unplugged');
      };
      await prepareDataset(job, store, { onJob: once }).catch((error: unknown) => {
        if (isBerthError(error) || String(error) !== 'Error: unplugged') throw error;
      });
    }
    const again: string[] = [];
    const key = await prepareDataset(job, store, { onJob: ({ kind }) => again.push(kind) });
    expect(again).toEqual(['inventory']);
    expect(await readDatasetManifest(store, key)).toEqual(expected);
  });
});
