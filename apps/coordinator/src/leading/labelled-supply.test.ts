import type { ExampleShard, LabelledDataset, LabelledDatasetJob } from '@berth/contracts';
import { createExampleIndex } from '@berth/queue';
import { createJobProducer, type JobProducer } from '@berth/queue/jobs';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { openBackends } from '../testing/services.ts';
import { LabelledSupply } from './labelled-supply.ts';

const part = { sha256: '0'.repeat(64), sizeBytes: 1 };
const shardOf = (split: ExampleShard['split'], shard: number): ExampleShard => ({
  ...part,
  key: `examples/set/${split}-e0-s${shard}.bex`,
  split,
  epoch: 0,
  shard,
  numExamples: 8,
  numTokens: 100,
  numPredictions: 8,
});
const dataset: LabelledDataset = {
  format: 'berth-labelled-dataset/1',
  datasetId: '1'.repeat(64),
  fineTuning: { kind: 'regress' },
  vocabulary: { ...part, key: 'v', numTokens: 9 },
  doLowerCase: true,
  maxSeqLength: 16,
  exampleSetId: 'set',
  train: [shardOf('train', 0), shardOf('train', 1)],
  heldOut: shardOf('heldOut', 0),
  heldOutRows: { ...part, key: 'rows' },
  files: [],
};
const job: LabelledDatasetJob = {
  kind: 'labelledDataset',
  runId: 'r',
  task: { kind: 'regress', train: '/t.csv' },
  vocabulary: { size: 9, minFrequency: 1, doLowerCase: true },
  maxSeqLength: 16,
  numShards: 2,
  askedAtMs: 0,
};

it('labelled shards are known again when Redis has lost them, and made again when the bucket has', async () => {
  const backends = await openBackends();
  const { connection, store, services } = backends;
  const producer = await createJobProducer(services.redisUrl);
  onTestFinished(async () => {
    await producer.close();
    await backends.close();
  });
  const put = (shard: ExampleShard): Promise<unknown> => store.put(shard.key, new Uint8Array(1));
  const all = [...dataset.train, dataset.heldOut];
  for (const shard of all) await put(shard);
  const rows = dataset.heldOutRows.key;
  await store.put(rows, new Uint8Array(1));
  let numAsked = 0;
  const jobs: JobProducer = {
    ...producer,
    async enqueue(asked, options) {
      numAsked += 1;
      expect(asked).toMatchObject({ kind: 'labelledDataset', task: job.task });
      return producer.enqueue(asked, options);
    },
  };
  const index = createExampleIndex(connection, dataset.exampleSetId);
  const supply = new LabelledSupply({ connection, store, jobs, dataset, job });
  const areKnown = (): Promise<boolean> =>
    waitFor(
      async () => {
        await supply.advance();
        return (await index.getAll(all)).every((shard) => shard !== undefined);
      },
      { what: 'all shards in the index' },
    );
  await areKnown();
  await index.remove();
  await areKnown();
  expect(numAsked).toBe(0);

  const [lost] = dataset.train;
  await store.delete(lost!.key);
  await index.forget(lost!);
  const lacking = await waitFor(async () => (await supply.advance()) || false, { what: 'a loss' });
  expect(lacking).toBe('making 1 lost shards of labelled examples again');
  await put(lost!);
  await areKnown();
  expect(numAsked).toBe(1);

  await store.delete(rows);
  await index.forget(dataset.heldOut);
  await waitFor(async () => (await supply.advance()) !== '', { what: 'lost rows' });
  await store.put(rows, new Uint8Array(1));
  await areKnown();
  expect(await waitFor(async () => (await supply.advance()) === '', { what: 'the end' })).toBe(
    true,
  );
});
