import {
  BerthError,
  fineTuningTask,
  type ExampleShard,
  type FineTuning,
  type ObjectStore,
} from '@berth/contracts';
import { putPart } from '../../dataset/stored-part.ts';
import { exampleShardKey } from '../../examples/example-job.ts';
import { shardOfDocument } from '../../sampling/epoch-order.ts';
import { buildLabelledShard, openLabelledShard } from './labelled-shard.ts';
import { fingerprintExamples, type TaskExample } from './task-example.ts';

export interface LabelledShardsRequest {
  readonly fineTuning: FineTuning;
  readonly split: ExampleShard['split'];
  /** That the examples were made with. */
  readonly maxSeqLength: number;
  readonly numShards: number;
  readonly examples: AsyncIterable<TaskExample>;
  /** Of shards that are made again: of other examples they are not. */
  readonly exampleSetId?: string | undefined;
}

export interface LabelledShards {
  /** What the examples are, and how they are cut: `fingerprintExamples`. */
  readonly exampleSetId: string;
  /** By their numbers, some perhaps empty. Labelled examples are the same in each epoch: the others have the first's. */
  readonly shards: readonly ExampleShard[];
}

// Which shard an example is in is no part of the order of training, so runs of all seeds share them.
const seed = 0;

/**
 * Makes labelled examples and stores them as shards, of which neighbours in the file are in different ones. The same rows give
 * the same bytes at the same keys, so it may be done twice, anywhere, and again when a shard is lost. All are held in memory on
 * the way; nothing is stored unless all rows are sound.
 * @throws BerthError `DATA_MISMATCH` when they are not those of `exampleSetId`, `DATA_SHARD_CORRUPT` when a key holds other bytes,
 * what the examples' iteration throws, and what the store throws
 */
export async function makeLabelledShards(
  store: ObjectStore,
  { fineTuning, split, maxSeqLength, numShards, examples, ...expected }: LabelledShardsRequest,
): Promise<LabelledShards> {
  const builders = Array.from({ length: numShards }, () =>
    buildLabelledShard(fineTuning, maxSeqLength),
  );
  async function* sharedOut(): AsyncGenerator<TaskExample> {
    let index = 0;
    for await (const example of examples) {
      builders[shardOfDocument(seed, index, numShards)]!.add(example);
      index += 1;
      yield example;
    }
  }
  const { exampleFormat: format } = fineTuningTask(fineTuning);
  const settings = { format, fineTuning, maxSeqLength, numShards };
  const exampleSetId = await fingerprintExamples(sharedOut(), settings);
  if (exampleSetId !== (expected.exampleSetId ?? exampleSetId))
    throw new BerthError(
      'DATA_MISMATCH',
      `the rows give example set ${exampleSetId}, and gave ${expected.exampleSetId} before: put the files back as they were, or start the run again`,
    );
  const shards: ExampleShard[] = [];
  for (const [shard, builder] of builders.entries()) {
    const bytes = builder.bytes(exampleSetId);
    const key = exampleShardKey({ exampleSetId, split, epoch: 0, shard });
    const part = await putPart(store, key, bytes);
    const { numExamples, numTokens, numPredictions } = openLabelledShard(
      fineTuning,
      bytes,
      part.sha256,
      key,
    );
    shards.push({ ...part, split, epoch: 0, shard, numExamples, numTokens, numPredictions });
  }
  return { exampleSetId, shards };
}
