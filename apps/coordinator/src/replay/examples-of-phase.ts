import { exampleSetsOf, type ExampleShard, type Phase, type RunRecord } from '@berth/contracts';
import type { ExamplesOfSet } from '@berth/data';
import { createExampleIndex, type RedisConnection } from '@berth/queue';

/** What the examples of a phase are made by, and which of its shards are known. */
export interface ExamplesOfPhase {
  readonly set: ExamplesOfSet;
  readonly known: (epoch: number, shard: number) => Promise<ExampleShard | undefined>;
}

/** @param manifestKey - of the dataset that the run has */
export function examplesOfPhase(
  connection: RedisConnection,
  record: RunRecord,
  manifestKey: string,
  phase: Phase,
): ExamplesOfPhase {
  const { config, exampleFormat } = record;
  const { shuffleWindowShards } = config.examples;
  const exampleSetId = exampleSetsOf(record)[phase.index]!;
  const index = createExampleIndex(connection, exampleSetId);
  return {
    set: {
      exampleSetId,
      exampleFormat,
      manifestKey,
      seed: config.seed,
      examples: { ...phase.examples, shuffleWindowShards },
    },
    known: (epoch, shard) => index.get({ split: 'train', epoch, shard }),
  };
}
