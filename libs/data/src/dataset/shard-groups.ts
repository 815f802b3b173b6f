import type { AssembleJob, Split } from '@berth/contracts';
import { shardOfHash } from './document-hash.ts';
import { numHeldOutBuckets, type Buckets, type RunRecord } from './run-file.ts';

/** Shards of a split that one job puts together. */
export interface ShardGroup {
  readonly split: AssembleJob['split'];
  /** The first, and the one after the last. */
  readonly first: number;
  readonly end: number;
}

/** All groups of a dataset, in order. */
export function shardGroups(split: Split): ShardGroup[] {
  const { numTrainShards, numHeldOutShards } = split;
  const groups: ShardGroup[] = [];
  for (let first = 0; first < numTrainShards; first = groups.at(-1)!.end)
    groups.push(groupFrom(split, 'train', first));
  for (let first = 0; first < numHeldOutShards; first++)
    groups.push(groupFrom(split, 'heldOut', first));
  return groups;
}

/** The group that begins with a shard. No group has shards of two parts. */
export function groupFrom(
  { shardsPerPart, shardsPerJob = 1 }: Split,
  split: AssembleJob['split'],
  first: number,
): ShardGroup {
  if (split === 'heldOut') return { split, first, end: first + 1 };
  const endOfPart = (Math.floor(first / shardsPerPart) + 1) * shardsPerPart;
  return { split, first, end: Math.min(endOfPart, first + shardsPerJob) };
}

/** Where the documents of a group lie in run files, and which of those they are. */
export interface GroupSource {
  /** Buckets, the first and the one after the last. */
  readonly place: readonly [number, number];
  /** The shard of a document that lies there; undefined for one of other shards. */
  readonly shardOf: (record: RunRecord) => number | undefined;
}

export function sourceOf(
  group: ShardGroup,
  { shardsPerPart, numHeldOutShards }: Split,
  { numParts, numShards }: Buckets,
): GroupSource {
  const { first, end } = group;
  const within = (shard: number): number | undefined =>
    shard >= first && shard < end ? shard : undefined;
  if (group.split === 'heldOut') {
    const start = numParts * numShards;
    const perShard = numHeldOutBuckets / numHeldOutShards;
    return {
      place: [start + first * perShard, start + end * perShard],
      shardOf: ({ hash }) => within(shardOfHash(hash, numHeldOutShards)),
    };
  }
  const part = Math.floor(first / shardsPerPart);
  const firstOfPart = part * shardsPerPart;
  const bucketOf = (shard: number): number =>
    part * numShards + Math.floor(((shard - firstOfPart) * numShards) / shardsPerPart);
  return {
    place: [bucketOf(first), bucketOf(end - 1) + 1],
    shardOf: (record) =>
      record.part === part
        ? within(firstOfPart + shardOfHash(record.hash, shardsPerPart))
        : undefined,
  };
}
