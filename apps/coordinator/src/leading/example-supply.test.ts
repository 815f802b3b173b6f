import {
  exampleShardField,
  parseRunConfig,
  type DatasetManifest,
  type ExampleShard,
} from '@berth/contracts';
import { epochShardOrder } from '@berth/data';
import { createJobProducer, type JobProducer } from '@berth/queue/jobs';
import { connectRedis, createExampleIndex } from '@berth/queue';
import { startTestRedis, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { ExampleSupply } from './example-supply.ts';

const part = { key: 'k', sha256: '0'.repeat(64), sizeBytes: 1 };
const facts = { numDocuments: 10, numSentences: 100, numTokens: 1_000 };
const numShards = 6;
const manifest: DatasetManifest = {
  format: 'berth-dataset/1',
  datasetId: '1'.repeat(64),
  corpusDigest: '2'.repeat(64),
  vocabulary: { ...part, numTokens: 100 },
  doLowerCase: true,
  heldOutRatio: 0.1,
  train: Array.from({ length: numShards }, () => ({ ...part, ...facts })),
  heldOut: { ...part, ...facts },
};

function shardOf(split: ExampleShard['split'], shard: number): ExampleShard {
  return { ...part, split, epoch: 0, shard, numExamples: 8, numTokens: 100, numPredictions: 10 };
}

it('asks again for shards that Redis has lost, also for those behind the cursor', async () => {
  const redis = await startTestRedis();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const producer = await createJobProducer(redis.url);
  onTestFinished(async () => {
    await producer.close();
    connection.close();
    await redis.stop();
  });
  const exampleSetId = 'set';
  const index = createExampleIndex(connection, exampleSetId);
  const asked: string[] = [];
  /** The queue, and a worker that makes each shard at once. */
  const jobs: JobProducer = {
    ...producer,
    async enqueue(job, options) {
      if (job.kind !== 'examples') throw new Error(`asked for a ${job.kind} job`);
      asked.push(exampleShardField(job.split, job.epoch, job.shard));
      await index.put(shardOf(job.split, job.shard));
      return producer.enqueue(job, options);
    },
  };
  const names = ['heldOut/0/0', ...Array.from({ length: numShards }, (_, n) => `train/0/${n}`)];
  await index.put(shardOf('heldOut', 0));
  for (let shard = 0; shard < numShards; shard++) await index.put(shardOf('train', shard));
  const config = parseRunConfig(
    { name: 'r', corpus: { path: 't' }, examples: { shuffleWindowShards: 1, readAheadShards: 2 } },
    'test',
  );
  const rest = { connection, jobs, config, manifest, manifestKey: 'm', exampleSetId };
  const supply = new ExampleSupply(rest);
  const cursor = { epoch: 0, index: 8 * (numShards - 2) };
  await supply.advance(cursor, 16);
  expect(asked).toEqual([]);

  await connection.call((client) => client.hdel(`berth:examples:{${exampleSetId}}`, ...names));
  const areAllAskedFor = async (): Promise<boolean> => {
    await supply.advance(cursor, 16);
    return asked.length >= names.length;
  };
  await waitFor(areAllAskedFor, { what: 'jobs for the lost shards' });
  expect(asked.toSorted()).toEqual(names);
});

it('says how far the shards are that the next step waits for, not those after them', async () => {
  const redis = await startTestRedis();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const jobs = await createJobProducer(redis.url);
  onTestFinished(async () => {
    await jobs.close();
    connection.close();
    await redis.stop();
  });
  const exampleSetId = 'set';
  const index = createExampleIndex(connection, exampleSetId);
  const config = parseRunConfig(
    { name: 'r', corpus: { path: 't' }, examples: { shuffleWindowShards: 4, readAheadShards: 6 } },
    'test',
  );
  /** By one that has not looked before, since each looks at most twice a second. */
  const says = async (): Promise<string> => {
    const rest = { connection, jobs, config, manifest, manifestKey: 'm', exampleSetId };
    const supply = new ExampleSupply(rest);
    await supply.advance({ epoch: 0, index: 0 }, 8);
    return supply.lacking();
  };
  expect(await says()).toBe('making examples: 0 of 5 shards');
  await index.put(shardOf('heldOut', 0));
  const order = epochShardOrder(config.seed, 0, numShards);
  for (const shard of order.slice(0, 3)) await index.put(shardOf('train', shard));
  expect(await says()).toBe('making examples: 4 of 5 shards');
  await index.put(shardOf('train', order[3] ?? -1));
  expect(await says()).toBe('');
});
