import type { Cursor, LabelledDataset, ObjectStore, ShownExample } from '@berth/contracts';
import { readExampleShard } from '../examples/example-job.ts';
import { readDatasetVocabulary } from '../dataset/read-dataset.ts';
import { epochShardsOf } from '../sampling/epoch-shards.ts';
import { createSampler } from '../sampling/sampler.ts';
import { labelledExamples } from '../tasks/fine-tuning/labelled-examples.ts';
import type { ExampleShardReader } from '../tasks/task-examples.ts';
import { parseVocabulary } from '../text/vocabulary.ts';
import { countedSums, type Replay } from './replay-examples.ts';
import { showRow } from './show-example.ts';

export interface LabelledReplayOptions {
  readonly store: ObjectStore;
  readonly dataset: LabelledDataset;
  readonly seed: number;
  readonly windowShards: number;
}

/**
 * The labelled examples from a cursor on, as they are stored once for all epochs. Which row of a file each was is not kept.
 * @throws BerthError `DATA_SHARD_CORRUPT`, and what the store throws
 */
export async function replayLabelled(
  { store, dataset, seed, windowShards }: LabelledReplayOptions,
  from: Cursor,
  numExamples: number,
): Promise<Replay> {
  const { fineTuning, train, maxSeqLength } = dataset;
  const format = labelledExamples(fineTuning);
  const sizes = { maxSeqLength, maxPredictions: 0 };
  const { tokens } = parseVocabulary(await readDatasetVocabulary(store, dataset), 'vocab.txt');
  const sampler = createSampler({
    seed,
    shardsOf: epochShardsOf({ train, seed }),
    windowShards,
    counts: async (_, shard) => train[shard]!.numExamples,
  });
  const { examples: refs, next } = await sampler.locate(from, numExamples);
  const readers = new Map<number, ExampleShardReader>();
  const examples: ShownExample[] = [];
  const sums: Record<string, number> = {};
  for (const ref of refs) {
    const reader =
      readers.get(ref.shard) ?? (await readExampleShard(store, train[ref.shard]!, format));
    readers.set(ref.shard, reader);
    const row = { reader, example: ref.example };
    examples.push({
      split: 'train',
      ...ref,
      ...showRow(format.task, sizes, tokens, row),
      sources: [],
    });
    for (const sum of countedSums(format.task))
      sums[sum] = (sums[sum] ?? 0) + reader.countOf(sum, ref.example);
  }
  return { examples, sums, next };
}
