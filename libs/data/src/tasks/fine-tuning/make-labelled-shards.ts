import {
  BerthError,
  digestOf,
  fineTuningTask,
  type ExampleShard,
  type FineTuning,
  type ObjectStore,
} from '@berth/contracts';
import { putPart } from '../../dataset/stored-part.ts';
import { exampleShardKey } from '../../examples/example-keys.ts';
import { shardsOfDocuments } from '../../sampling/epoch-order.ts';
import {
  buildLabelledShard,
  openLabelledShard,
  type LabelledShardBuilder,
} from './labelled-shard.ts';
import { fingerprintExamples, type TaskExample } from './task-example.ts';

export interface LabelledShardsRequest {
  readonly fineTuning: FineTuning;
  /** That the examples were made with. */
  readonly maxSeqLength: number;
  /** Of the training examples; the held-out ones are one, in their order. */
  readonly numShards: number;
  readonly train: AsyncIterable<TaskExample>;
  readonly heldOut: AsyncIterable<TaskExample>;
  /** Of shards that are made again: of other examples they are not. */
  readonly exampleSetId?: string | undefined;
}

export interface LabelledShards {
  /** What the examples are, and how they are cut. */
  readonly exampleSetId: string;
  /** By their numbers, some perhaps empty. Labelled examples are the same in each epoch: the others have the first's. */
  readonly train: readonly ExampleShard[];
  readonly heldOut: ExampleShard;
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
  { fineTuning, maxSeqLength, numShards, train, heldOut, ...expected }: LabelledShardsRequest,
): Promise<LabelledShards> {
  const { exampleFormat: format } = fineTuningTask(fineTuning);
  const settings = { format, fineTuning, maxSeqLength };
  const trained = await collect(train, { ...settings, numShards });
  const others = await collect(heldOut, { ...settings, numShards: 1 });
  const exampleSetId = digestOf([trained.fingerprint, others.fingerprint]);
  if (exampleSetId !== (expected.exampleSetId ?? exampleSetId))
    throw new BerthError(
      'DATA_MISMATCH',
      `the rows give example set ${exampleSetId}, and gave ${expected.exampleSetId} before: put the files back as they were, or choose another name for the run`,
    );

  const put = async (
    split: ExampleShard['split'],
    shard: number,
    builder: LabelledShardBuilder,
  ): Promise<ExampleShard> => {
    const bytes = builder.bytes(exampleSetId);
    const key = exampleShardKey({ exampleSetId, split, epoch: 0, shard });
    const part = await putPart(store, key, bytes);
    const { numExamples, numTokens, numPredictions } = openLabelledShard(
      fineTuning,
      bytes,
      part.sha256,
      key,
    );
    return { ...part, split, epoch: 0, shard, numExamples, numTokens, numPredictions };
  };
  const shards: ExampleShard[] = [];
  for (const [shard, builder] of trained.builders.entries())
    shards.push(await put('train', shard, builder));
  return { exampleSetId, train: shards, heldOut: await put('heldOut', 0, others.builders[0]!) };
}

/** Examples shared out among shards, and what they are. */
async function collect(
  examples: AsyncIterable<TaskExample>,
  settings: Pick<LabelledShardsRequest, 'fineTuning' | 'maxSeqLength' | 'numShards'>,
): Promise<{ readonly builders: readonly LabelledShardBuilder[]; readonly fingerprint: string }> {
  const { fineTuning, maxSeqLength, numShards } = settings;
  const builders = Array.from({ length: numShards }, () =>
    buildLabelledShard(fineTuning, maxSeqLength),
  );
  const shardOf = shardsOfDocuments(seed, numShards);
  async function* sharedOut(): AsyncGenerator<TaskExample> {
    let index = 0;
    for await (const example of examples) {
      builders[shardOf(index)]!.add(example);
      index += 1;
      yield example;
    }
  }
  return { fingerprint: await fingerprintExamples(sharedOut(), settings), builders };
}
