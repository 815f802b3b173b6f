import { findUnnamedParts, shardKey } from '@berth/checkpoint';
import {
  exampleShardField,
  silentLogger,
  type DatasetManifest,
  type ExampleShard,
  type Job,
  type RunRecord,
} from '@berth/contracts';
import { exampleShardKey } from '@berth/data';
import { createExampleIndex } from '@berth/queue';
import type { JobProducer } from '@berth/queue/jobs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { ExampleSupply } from '../leading/example-supply.ts';
import { openBackends, type Backends } from '../testing/services.ts';
import { cleanStore } from './clean-store.ts';
import { unneededEpochs } from './unneeded-epochs.ts';

let backends: Backends;
beforeAll(async () => {
  backends = await openBackends();
});
beforeEach(async () => {
  await backends.connection.call((client) => client.flushall());
  for (const { key } of await backends.store.list('')) await backends.store.delete(key);
  await backends.store.put(manifestKey, Buffer.from(JSON.stringify(dataset)));
});
afterAll(() => backends.close());

const numShards = 2;
const part = { key: 'datasets/d/part', sha256: '0'.repeat(64), sizeBytes: 1 };
const documents = { ...part, numDocuments: 10, numSentences: 100, numTokens: 1_000 };
/** Of more shards than the settings say: a large corpus is cut into more. */
const dataset: DatasetManifest = {
  format: 'berth-dataset/1',
  datasetId: '1'.repeat(64),
  corpusDigest: '2'.repeat(64),
  vocabulary: { ...part, numTokens: 100 },
  doLowerCase: true,
  heldOutRatio: 0.1,
  train: Array.from({ length: numShards }, () => documents),
  heldOut: documents,
};
const manifestKey = 'datasets/d/manifest.json';
const dayMs = 86_400_000;

async function storeEpochs(exampleSetId: string, epochs: readonly number[]): Promise<void> {
  const index = createExampleIndex(backends.connection, exampleSetId);
  const place = (split: ExampleShard['split'], epoch: number, shard: number) =>
    ({ split, epoch, shard }) as const;
  const names = epochs.flatMap((epoch) => [place('train', epoch, 0), place('train', epoch, 1)]);
  for (const name of [...names, place('heldOut', 0, 0)]) {
    const key = exampleShardKey({ exampleSetId, ...name });
    await backends.store.put(key, Buffer.from(key));
    const facts = { sha256: 'a'.repeat(64), sizeBytes: 1, numTokens: 1, numPredictions: 1 };
    await index.put({ key, ...name, ...facts, numExamples: 10 });
  }
}

async function storedEpochs(exampleSetId: string): Promise<string[]> {
  const listed = await backends.store.list(`examples/${exampleSetId}/`);
  return listed.map(({ key }) => key.split('/').at(-1) ?? '');
}

/** A run whose checkpoints end in these epochs, oldest first. */
async function runWith(runId: string, epochs: readonly number[], change: Partial<RunRecord>) {
  const record = recordOf(runId, {
    status: 'running',
    manifestKey,
    exampleSetId: 'set',
    ...change,
  });
  const entries = entriesOf(epochs.length, { fencingEpoch: 1, viewVersion: 1 });
  for (const [index, epoch] of epochs.entries()) {
    const upTo = entries.slice(0, index + 1);
    const last = upTo.at(-1);
    if (last !== undefined) upTo[index] = { ...last, to: { epoch, index: 0 } };
    await storeCheckpoint(backends.store, runId, upTo);
  }
  const config = {
    ...record.config,
    examples: { ...record.config.examples, numShards: 1 },
    train: { ...record.config.train, keepLast: 2 },
  };
  return { ...record, config };
}

async function clean(records: readonly RunRecord[], { nowMs = Date.now(), leads = true } = {}) {
  const options = {
    ...backends,
    logger: silentLogger,
    mayDelete: () => leads,
    epochs: new Map<string, number>(),
  };
  await cleanStore(options, records, nowMs);
}

describe('unneededEpochs', () => {
  it('keeps what a run may fall back on, and what a resume begins with', () => {
    const run = { fromEpoch: 6, resumableEpochs: [2, 6, 7] };
    expect(unneededEpochs([0, 1, 2, 3, 4, 5, 6, 7, 8], [run])).toEqual([0, 1, 4, 5]);
    const completed = { fromEpoch: undefined, resumableEpochs: [8] };
    expect(unneededEpochs([0, 7, 8], [completed])).toEqual([0, 7]);
    const begun = { fromEpoch: 0, resumableEpochs: [] };
    expect(unneededEpochs([0, 1, 7], [completed, begun])).toEqual([]);
  });
});

describe('cleaning the store', () => {
  it('keeps of the epochs between two checkpoints none, and has them made again for who goes back', async () => {
    await storeEpochs('set', [0, 1, 2, 3, 4, 5, 6]);
    const record = await runWith('run', [1, 5], {});
    await clean([record]);
    const left = async () => (await storedEpochs('set')).filter((name) => name.endsWith('s0.bex'));
    expect(await left()).toEqual(
      ['heldOut-e0', ...[1, 2, 5, 6].map((epoch) => `train-e${epoch}`)].map(
        (name) => `${name}-s0.bex`,
      ),
    );

    const asked: string[] = [];
    const jobs = {
      async enqueue(job: Job) {
        if (job.kind !== 'examples') throw new Error(`asked for a ${job.kind} job`);
        asked.push(exampleShardField(job.split, job.epoch, job.shard));
        return String(asked.length);
      },
    } as Partial<JobProducer> as JobProducer;
    const { connection } = backends;
    const { config } = record;
    const rest = { connection, jobs, config, manifest: dataset, manifestKey, exampleSetId: 'set' };
    // Training goes on from the first checkpoint, and comes to what was deleted.
    const supply = new ExampleSupply(rest);
    await supply.advance({ epoch: 1, index: 0 }, 60);
    const deleted = [3, 4].flatMap((epoch) => [`train/${epoch}/0`, `train/${epoch}/1`]);
    expect(asked.filter((name) => Number(name.split('/')[1]) < 7).toSorted()).toEqual(deleted);
  });

  it('deletes the examples of epochs that no checkpoint needs, and makes them unknown', async () => {
    await storeEpochs('set', [0, 1, 2, 3]);
    const record = await runWith('run', [0, 2, 3], { keptSteps: [] });
    await clean([record]);
    // Epoch 1 may be read ahead from the first checkpoint.
    expect(await storedEpochs('set')).toHaveLength(9);
    await backends.store.delete(
      'runs/run/attempts/1/checkpoints/step-000000001/000000000000001.manifest.json',
    );
    await clean([record]);
    expect(await storedEpochs('set')).toEqual([
      'heldOut-e0-s0.bex',
      'train-e2-s0.bex',
      'train-e2-s1.bex',
      'train-e3-s0.bex',
      'train-e3-s1.bex',
    ]);
    const index = createExampleIndex(backends.connection, 'set');
    expect(await index.get({ split: 'train', epoch: 0, shard: 0 })).toBeUndefined();
    expect(await index.epochSize(0, [0, 1])).toBe(20);
    expect(await index.count()).toBe(5);
  });

  it('keeps what another run of the same examples needs, and deletes nothing without the lead', async () => {
    await storeEpochs('set', [0, 1, 2, 3]);
    const far = await runWith('far', [3, 3], {});
    const young = await runWith('young', [], { status: 'queued' });
    await clean([far, young]);
    expect(await storedEpochs('set')).toHaveLength(9);
    await clean([far], { leads: false });
    expect(await storedEpochs('set')).toHaveLength(9);
    await clean([far]);
    expect(await storedEpochs('set')).toHaveLength(3);
  });

  it('sweeps the parts that a run has left which ended a day ago', async () => {
    const record = await runWith('run', [0], { status: 'stopped', updatedAtMs: Date.now() });
    const line = { runId: 'run', attempt: 1, fencingEpoch: 1 };
    const key = shardKey(line, 9, { kind: 'weights', index: 0, sha256: 'a'.repeat(64) });
    await backends.store.put(key, Buffer.from('part'));
    await clean([record]);
    expect((await findUnnamedParts(backends.store, 'run')).parts).toHaveLength(1);
    await clean([record], { nowMs: Date.now() + dayMs + 5_000 });
    expect((await findUnnamedParts(backends.store, 'run')).parts).toEqual([]);
  });
});
