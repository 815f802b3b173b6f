import { rm } from 'node:fs/promises';
import {
  columnOf,
  sha256Hex,
  taskNameOf,
  type Cursor,
  type ExamplesConfig,
  type ExamplesJob,
} from '@berth/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDocumentShard } from '../../dataset/read-dataset.ts';
import { documentOfToken, numDocumentsOf } from '../../dataset/token-documents.ts';
import { plainDatasetReader, type DatasetReader } from '../../dataset/dataset-cache.ts';
import { batchOf } from '../../examples/batch.ts';
import { openExamplesJob } from '../../examples/example-job.ts';
import { firstUse, type DocumentPlaces } from '../../forgetting/first-use.ts';
import { withoutDocuments } from '../../forgetting/replace-documents.ts';
import type { ExamplesOfSet } from '../../replay/replay-examples.ts';
import { epochShardsOf } from '../../sampling/epoch-shards.ts';
import { createSampler } from '../../sampling/sampler.ts';
import { finish } from '../../text/work.ts';
import { preparedExcerpt, type PreparedDataset } from '../../testing/prepared-fixture.ts';
import { taskExamples } from '../index.ts';

let prepared: PreparedDataset;
beforeAll(async () => {
  prepared = await preparedExcerpt();
});
afterAll(() => rm(prepared.folder, { recursive: true }));

/** The stream of an epoch and the next, each example as text, and whether it holds one of the documents. */
async function streamOf(
  set: ExamplesOfSet,
  places: DocumentPlaces,
  read: DatasetReader,
): Promise<{ cursor: Cursor; text: string; holds: boolean }[]> {
  const { store, manifest } = prepared;
  const format = taskExamples[taskNameOf(set.examples)];
  const shards = new Map<string, { text: string; holds: boolean }[]>();
  for (const epoch of [0, 1])
    for (const shard of manifest.train.keys()) {
      const job: ExamplesJob = { kind: 'examples', ...set, split: 'train', epoch, shard };
      const { request, trainShards } = await openExamplesJob(store, job, read);
      const bytes = finish(format.make(request));
      const reader = format.open(bytes, sha256Hex(bytes));
      const sets = [request.documents, ...(request.others ?? [])];
      const rows = [...format.sources(request)].map((sources, example) => {
        const batch = batchOf(format.task, set.examples, [{ reader, example }]);
        return {
          text: format.task.columns.map(({ name }) => columnOf(batch, name).join()).join('|'),
          holds: sources.some(({ documents, start }) =>
            places
              .get(trainShards[sets.indexOf(documents)]!)
              ?.has(documentOfToken(documents, start)),
          ),
        };
      });
      shards.set(`${epoch}/${shard}`, rows);
    }
  const sampler = createSampler({
    seed: set.seed,
    shardsOf: epochShardsOf({ ...manifest, ...set.examples, seed: set.seed }),
    windowShards: set.examples.shuffleWindowShards,
    counts: async (epoch, shard) => shards.get(`${epoch}/${shard}`)!.length,
  });
  const total = [...shards.values()].reduce((sum, rows) => sum + rows.length, 0);
  const { examples } = await sampler.locate({ epoch: 0, index: 0 }, total);
  const size = examples.filter(({ epoch }) => epoch === 0).length;
  return examples.map(({ epoch, shard, example }, index) => ({
    cursor: { epoch, index: index - epoch * size },
    ...shards.get(`${epoch}/${shard}`)![example]!,
  }));
}

const settings: readonly [string, Partial<ExamplesConfig>, string | undefined][] = [
  ['pairs within a shard', {}, undefined],
  ['pairs of a window', {}, 'berth-examples/2'],
  ['whole words', { masking: 'word' }, 'berth-examples/2'],
  ['spans', { masking: 'span' }, 'berth-examples/2'],
  ['packed sentences', { nextSentence: false }, undefined],
  ['documents kept apart', { nextSentence: false, packAcrossDocuments: false }, undefined],
  ["Google's", { mode: 'google', dupeFactor: 2 }, undefined],
];

describe('the first use of a document', () => {
  it.each(settings)('is where a look at every example finds it: %s', async (_, ...how) => {
    const { store, manifest } = prepared;
    const set = prepared.setOf(...how);
    for (const [shard, document] of [
      [0, 0],
      [3, 1],
    ] as const) {
      const without: DatasetReader = {
        ...plainDatasetReader,
        documents: async (of, part) => {
          const documents = await readDocumentShard(of, part);
          const isIt = part.key === manifest.train[shard]!.key;
          return isIt ? withoutDocuments(documents, new Set([document]), 1) : documents;
        },
      };
      expect(
        numDocumentsOf(await readDocumentShard(store, manifest.train[shard]!)),
      ).toBeGreaterThan(document);
      const places = new Map([[shard, new Set([document])]]);
      const before = await streamOf(set, places, plainDatasetReader);
      const after = await streamOf(set, places, without);
      // Nobody else's examples have moved.
      expect(after.length).toBe(before.length);
      const moved = before.filter(({ text, holds }, at) => !holds && after[at]!.text !== text);
      expect(moved).toEqual([]);
      const readers = { before: plainDatasetReader, after: without };
      const options = { store, manifest, set, places, ...readers };
      const end = { epoch: 2, index: 0 };
      for (const at of [0, Math.floor(before.length / 3), Math.floor((2 * before.length) / 3)]) {
        const from = before[at]!.cursor;
        const found = await firstUse({ ...options, known: async () => undefined }, from, end);
        const first = before.findIndex(({ holds }, index) => index >= at && holds);
        expect(found).toEqual(before[first]?.cursor);
        if (first < 0) continue;
        const { cursor } = before[first]!;
        const upTo = await firstUse({ ...options, known: async () => undefined }, from, cursor);
        expect(upTo).toBeUndefined();
      }
    }
  });
});
