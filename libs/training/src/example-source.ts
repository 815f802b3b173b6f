import { setImmediate as nextTurn } from 'node:timers/promises';
import type {
  AlignedBlock,
  Cursor,
  ExampleBatch,
  ExampleSizes,
  RankExamples,
  StepSums,
  Task,
} from '@berth/contracts';
import { batchOf, createSampler, type EpochShards } from '@berth/data';
import type { ExampleShardsPort } from './ports.ts';

/** Of one stretch of reading. */
const longestTurnMs = 20;

export interface ExampleSourceOptions extends ExampleSizes {
  readonly task: Task;
  readonly seed: number;
  readonly shardsOf: EpochShards;
  readonly shuffleWindowShards: number;
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
  /** What losses are divided by: the task's sums over the step that are known without a model. */
  readonly denominators: StepSums;
  /** May read from a disk; other work has a turn now and then. */
  ranksOf(block: AlignedBlock): Promise<RankExamples[]>;
}

export interface ExampleSource {
  /** A step's examples, given the place after those of the step before: a pure function of the config, whoever asks. */
  at(cursor: Cursor, step: number): Promise<StepExamples>;
}

/** Cuts the endless, deterministic stream of examples into steps, virtual ranks and micro-batches. */
export function createExampleSource(options: ExampleSourceOptions): ExampleSource {
  const { task, shards, globalBatch, virtualRanks, microBatch } = options;
  const denominatorNames = [...new Set(task.losses.map(({ over }) => over.sum))];
  const sampler = createSampler({
    seed: options.seed,
    shardsOf: options.shardsOf,
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
      const denominators = denominatorNames.map((sum) => {
        const counts = readers.map(({ reader, example }) => reader.countOf(sum, example));
        return [sum, counts.reduce((total, count) => total + count, 0)] as const;
      });
      const ranksOf = async ({ start, length }: AlignedBlock): Promise<RankExamples[]> => {
        const ranks: RankExamples[] = [];
        let turnMs = performance.now();
        for (let virtualRank = start; virtualRank < start + length; virtualRank++) {
          const rows = readers.slice(virtualRank * rankSize, (virtualRank + 1) * rankSize);
          const microBatches: ExampleBatch[] = [];
          for (let first = 0; first < rankSize; first += microBatch) {
            microBatches.push(batchOf(task, options, rows.slice(first, first + microBatch)));
            if (performance.now() - turnMs < longestTurnMs) continue;
            await nextTurn();
            turnMs = performance.now();
          }
          ranks.push({ virtualRank, microBatches });
        }
        return ranks;
      };
      return {
        from: cursor,
        to: next,
        numExamples: globalBatch,
        denominators: Object.fromEntries(denominators),
        ranksOf,
      };
    },
  };
}
