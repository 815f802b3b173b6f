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

const exampleSetId = 'set';

function shardOf(split: ExampleShard['split'], shard: number, epoch = 0): ExampleShard {
  return { ...part, split, epoch, shard, numExamples: 8, numTokens: 100, numPredictions: 10 };
}

/** Redis and a queue, with an index of examples, while a test lasts. */
async function openServices() {
  const redis = await startTestRedis();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  const producer = await createJobProducer(redis.url);
  onTestFinished(async () => {
    await producer.close();
    connection.close();
    await redis.stop();
  });
  return { connection, producer, index: createExampleIndex(connection, exampleSetId) };
}

/** The queue, and a worker that makes each shard at once. @returns it, with what was asked for */
function promptJobs({ producer, index }: Awaited<ReturnType<typeof openServices>>) {
  const asked: string[] = [];
  const jobs: JobProducer = {
    ...producer,
    async enqueue(job, options) {
      if (job.kind !== 'examples') throw new Error(`asked for a ${job.kind} job`);
      asked.push(exampleShardField(job.split, job.epoch, job.shard));
      await index.put(shardOf(job.split, job.shard, job.epoch));
      return producer.enqueue(job, options);
    },
  };
  return { jobs, asked };
}

it('asks again for shards that Redis has lost, also for those behind the cursor', async () => {
  const services = await openServices();
  const { connection, index } = services;
  const { jobs, asked } = promptJobs(services);
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
  const { connection, producer: jobs, index } = await openServices();
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

it('has an epoch made to its end, however little is read ahead, and nothing of the next', async () => {
  const services = await openServices();
  const { connection, index } = services;
  const { jobs, asked } = promptJobs(services);
  const numMany = 700;
  const config = parseRunConfig(
    { name: 'r', corpus: { path: 't' }, examples: { shuffleWindowShards: 1, readAheadShards: 2 } },
    'test',
  );
  const train = Array.from({ length: numMany }, () => ({ ...part, ...facts }));
  const rest = { connection, jobs, config, manifestKey: 'm', exampleSetId };
  const supply = new ExampleSupply({ ...rest, manifest: { ...manifest, train } });
  await index.put(shardOf('train', 2));
  await supply.advanceEpoch(0);
  expect(supply.numMissingOf(0)).toBe(numMany);
  const isMade = async (): Promise<boolean> => {
    await supply.advanceEpoch(0);
    return supply.numMissingOf(0) === 0;
  };
  await waitFor(isMade, { what: 'all shards of the epoch' });
  expect(new Set(asked).size).toBe(asked.length);
  expect(asked).toHaveLength(numMany);
  expect(asked.every((name) => /^(train|heldOut)\/0\//.test(name))).toBe(true);
});

it('finds its place among thousands of shards at the first look', async () => {
  const services = await openServices();
  const { connection } = services;
  const { jobs, asked } = promptJobs(services);
  const numMany = 3_000;
  const config = parseRunConfig({ name: 'r', corpus: { path: 't' } }, 'test');
  const train = Array.from({ length: numMany }, () => ({ ...part, ...facts }));
  const order = [...epochShardOrder(config.seed, 0, numMany)];
  const numThere = 2_990;
  const made = [shardOf('heldOut', 0), ...order.slice(0, numThere).map((n) => shardOf('train', n))];
  const fields = made.flatMap((shard) => [
    exampleShardField(shard.split, shard.epoch, shard.shard),
    JSON.stringify(shard),
  ]);
  await connection.call((client) => client.hset(`berth:examples:{${exampleSetId}}`, ...fields));
  const rest = { connection, jobs, config, manifestKey: 'm', exampleSetId };
  const supply = new ExampleSupply({ ...rest, manifest: { ...manifest, train } });
  await supply.advance({ epoch: 0, index: 8 * numThere - 1 }, Infinity);
  expect(asked.slice(0, 10)).toEqual(order.slice(numThere).map((n) => `train/0/${n}`));
});
