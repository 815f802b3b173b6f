import type { ExamplesJob } from '@berth/contracts';

/** Where an example shard is stored. */
export function exampleShardKey({
  exampleSetId,
  split,
  epoch,
  shard,
}: Pick<ExamplesJob, 'exampleSetId' | 'split' | 'epoch' | 'shard'>): string {
  return `${exampleSetPrefix(exampleSetId)}${split}-e${epoch}-s${shard}.bex`;
}

/** Where all example shards of a set are stored. */
export function exampleSetPrefix(exampleSetId: string): string {
  return `examples/${exampleSetId}/`;
}

/** The epoch of a train shard by its key; `undefined` for any other key. */
export function trainEpochOfKey(exampleSetId: string, key: string): number | undefined {
  const prefix = exampleSetPrefix(exampleSetId);
  const match = key.startsWith(prefix)
    ? /^train-e(\d+)-s\d+\.bex$/.exec(key.slice(prefix.length))
    : null;
  return match === null ? undefined : Number(match[1]);
}
