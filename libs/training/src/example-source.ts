import type { AlignedBlock, Cursor, ExampleBatch, RankExamples } from '@berth/contracts';
import { allocateBatch, createSampler } from '@berth/data';
import type { ExampleReader, ExampleShardsPort } from './ports.ts';

export interface ExampleSourceOptions {
  readonly seed: number;
  readonly numShards: number;
  readonly shuffleWindowShards: number;
  readonly maxSeqLength: number;
  readonly maxPredictions: number;
  readonly globalBatch: number;
  readonly virtualRanks: number;
  /** Examples of one forward pass; divides globalBatch / virtualRanks. */
  readonly microBatch: number;
  readonly shards: ExampleShardsPort;
}

/** A step's examples: which they are, what they sum to, and the tensors of any block of virtual ranks. */
export interface StepExamples {
  readonly from: Cursor;
  readonly to: Cursor;
  readonly numExamples: number;
  readonly numPredictions: number;
  readonly numTokens: number;
  ranksOf(block: AlignedBlock): RankExamples[];
}

export interface ExampleSource {
  /** The step that starts at a cursor: a pure function of the config, whoever asks. */
  at(cursor: Cursor): Promise<StepExamples>;
}

/** Cuts the endless, deterministic stream of examples into steps, virtual ranks and micro-batches. */
export function createExampleSource(options: ExampleSourceOptions): ExampleSource {
  const { shards, globalBatch, virtualRanks, microBatch } = options;
  const sampler = createSampler({
    seed: options.seed,
    numShards: options.numShards,
    windowShards: options.shuffleWindowShards,
    counts: (epoch, shard) => shards.count(epoch, shard),
  });
  const rankSize = globalBatch / virtualRanks;

  /** Opens the next window: by the time it is needed the bucket may be away. What fails here is met again then. */
  const openAhead = async (cursor: Cursor): Promise<void> => {
    for (const { epoch, shard } of await sampler.shardsAfter(cursor))
      shards.open(epoch, shard).catch(() => undefined);
  };

  return {
    async at(cursor) {
      const { examples, next } = await sampler.locate(cursor, globalBatch);
      const readers = await Promise.all(
        examples.map(async ({ epoch, shard, example }) => ({
          reader: await shards.open(epoch, shard),
          example,
        })),
      );
      openAhead(cursor).catch(() => undefined);
      let numPredictions = 0;
      let numTokens = 0;
      for (const { reader, example } of readers) {
        numPredictions += reader.numPredictionsOf(example);
        numTokens += reader.numTokensOf(example);
      }
      const rank = (virtualRank: number): RankExamples => {
        const microBatches: ExampleBatch[] = [];
        for (
          let start = virtualRank * rankSize;
          start < (virtualRank + 1) * rankSize;
          start += microBatch
        )
          microBatches.push(fill(readers.slice(start, start + microBatch), options));
        return { virtualRank, microBatches };
      };
      return {
        from: cursor,
        to: next,
        numExamples: globalBatch,
        numPredictions,
        numTokens,
        ranksOf: ({ start, length }) => Array.from({ length }, (_, index) => rank(start + index)),
      };
    },
  };
}

function fill(
  rows: readonly { reader: ExampleReader; example: number }[],
  { maxSeqLength, maxPredictions }: ExampleSourceOptions,
): ExampleBatch {
  const batch = allocateBatch(rows.length, maxSeqLength, maxPredictions);
  for (const [row, { reader, example }] of rows.entries()) reader.copyInto(batch, row, example);
  return batch;
}
