import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  columnOf,
  encoderColumns,
  fineTuningTask,
  silentLogger,
  type ExampleBatch,
  type FineTuning,
  type ObjectStore,
} from '@berth/contracts';
import {
  epochShardsOf,
  labelledExamples,
  makeLabelledShards,
  readExampleShard,
  type TaskExample,
} from '@berth/data';
import { startS3Server } from '@berth/s3-server';
import { createExampleSource, type ExampleSource } from '@berth/training';
import { summarize, type Summary } from '../summary.ts';
import { stepWork, type StepSetting } from './step-setting.ts';

const seed = 1;
const numShards = 4;
const numSteps = 200;

/** Milliseconds from open shards in a bucket to the batches of a step, as training reads them. */
export async function exampleTimes(fineTuning: FineTuning, setting: StepSetting): Promise<Summary> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
  const server = await startS3Server({ folder, ...credentials });
  const place = { endpoint: server.endpoint, region: 'us-east-1', bucket: 'bench' };
  const store = createS3ObjectStore({ ...place, ...credentials }, silentLogger);
  try {
    await store.ensureBucket();
    const source = await sourceOf(store, fineTuning, setting);
    let cursor = { epoch: 0, index: 0 };
    const times: number[] = [];
    for (let step = 0; step < numSteps; step++) {
      const start = performance.now();
      const examples = await source.at(cursor, step);
      await examples.ranksOf({ start: 0, length: setting.virtualRanks });
      times.push(performance.now() - start);
      cursor = examples.to;
    }
    return summarize(times);
  } finally {
    store.close();
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sourceOf(
  store: ObjectStore,
  fineTuning: FineTuning,
  setting: StepSetting,
): Promise<ExampleSource> {
  const { maxSeqLength, maxPredictions, batchSize: globalBatch, virtualRanks } = setting;
  const like = (count: number): AsyncGenerator<TaskExample> =>
    examplesLike(stepWork(setting).batch, fineTuning, count);
  const { train: shards } = await makeLabelledShards(store, {
    fineTuning,
    maxSeqLength,
    numShards,
    train: like(100 * globalBatch),
    heldOut: like(globalBatch),
  });
  const format = labelledExamples(fineTuning);
  const readers = await Promise.all(shards.map((shard) => readExampleShard(store, shard, format)));
  return createExampleSource({
    task: format.task,
    seed,
    shardsOf: epochShardsOf({ train: shards, seed }),
    shuffleWindowShards: numShards,
    maxSeqLength,
    maxPredictions,
    globalBatch,
    virtualRanks,
    microBatch: globalBatch / virtualRanks,
    shards: {
      count: async (_, shard) => shards[shard]!.numExamples,
      open: async (_, shard) => readers[shard]!,
    },
  });
}

/** Those of the batch, over and over. */
async function* examplesLike(
  batch: ExampleBatch,
  fineTuning: FineTuning,
  count: number,
): AsyncGenerator<TaskExample> {
  const { batchSize } = batch;
  const own = fineTuningTask(fineTuning).columns.slice(encoderColumns.length);
  for (let index = 0; index < count; index++) {
    const row = index % batchSize;
    const of = (name: string): number[] => {
      const column = columnOf(batch, name);
      const size = column.length / batchSize;
      return Array.from(column.subarray(row * size, (row + 1) * size));
    };
    const length = of('inputMask').filter((mask) => mask === 1).length;
    const columns = own.map(({ name, shape }) => {
      const isOfTokens = shape.includes('maxSeqLength');
      return [name, isOfTokens ? of(name).slice(0, length) : of(name)] as const;
    });
    yield {
      place: { path: 'made up', at: `row ${index + 1}` },
      ids: of('inputIds').slice(0, length),
      numFirstSegment: of('segmentIds')
        .slice(0, length)
        .filter((segment) => segment === 0).length,
      columns: Object.fromEntries(columns),
    };
  }
}
