import { maxShards, type Cursor } from '@berth/contracts';

export interface ReadAheadState {
  /** The next example that training will use. */
  readonly cursor: Cursor;
  /** Examples that the run still needs from there. */
  readonly numExamplesNeeded: number;
  /** Number of examples in a shard that exists; undefined while it is being made. */
  readonly countOf: (epoch: number, shard: number) => number | undefined;
}

export interface ReadAheadOptions {
  readonly windowShards: number;
  readonly readAheadShards: number;
  /** Shards of an epoch in the order of use. */
  readonly orderOf: (epoch: number) => ArrayLike<number>;
}

export interface ShardRef {
  readonly epoch: number;
  readonly shard: number;
}

/**
 * The train shards that must exist or be on their way: the window in use and at least `readAheadShards` shards
 * after its start, whole windows, no more than the run needs and not many more than `maxShards`. In order of use.
 */
export function planReadAhead(state: ReadAheadState, options: ReadAheadOptions): ShardRef[] {
  const wanted: ShardRef[] = [];
  const { windowShards } = options;
  const numAhead = Math.min(Math.max(1, options.readAheadShards), maxShards);
  let skip = state.cursor.index;
  let needed = state.numExamplesNeeded;
  for (let epoch = state.cursor.epoch; needed > 0; epoch++) {
    const order = options.orderOf(epoch);
    for (let start = 0; start < order.length; start += windowShards) {
      if (needed <= 0 || wanted.length >= numAhead) return wanted;
      const end = Math.min(order.length, start + windowShards);
      const shards = Array.from({ length: end - start }, (_, i) => order[start + i]!);
      const counts = shards.map((shard) => state.countOf(epoch, shard));
      const total = counts.every((count) => count !== undefined)
        ? counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
        : undefined;
      // Only a window that is complete can lie wholly behind the cursor.
      if (total !== undefined && skip >= total && epoch === state.cursor.epoch) {
        skip -= total;
        continue;
      }
      wanted.push(...shards.map((shard) => ({ epoch, shard })));
      needed -= total === undefined ? 0 : total - skip;
      skip = 0;
    }
    skip = 0;
  }
  return wanted;
}

/** Jobs of an epoch that wait at once: enough for any number of workers until the next look. */
const numAtOnce = 512;

/** The train shards of an epoch that are made next, in order of use, where all are wanted and nothing is used yet. */
export function planEpoch(
  epoch: number,
  { countOf }: Pick<ReadAheadState, 'countOf'>,
  { orderOf }: Pick<ReadAheadOptions, 'orderOf'>,
): ShardRef[] {
  const missing = Array.from(orderOf(epoch)).filter((shard) => countOf(epoch, shard) === undefined);
  return missing.slice(0, numAtOnce).map((shard) => ({ epoch, shard }));
}

/** The epoch of the last example that is needed; undefined while sizes are not known that decide it. */
export function lastEpochNeeded(
  { cursor, numExamplesNeeded, countOf }: ReadAheadState,
  { orderOf }: Pick<ReadAheadOptions, 'orderOf'>,
): number | undefined {
  let needed = cursor.index + numExamplesNeeded;
  for (let epoch = cursor.epoch; ; epoch++) {
    let size = 0;
    const order = orderOf(epoch);
    for (let i = 0; i < order.length; i++) {
      const count = countOf(epoch, order[i]!);
      if (count === undefined) return undefined;
      size += count;
      if (size >= needed) return epoch;
    }
    if (size === 0) return undefined;
    needed -= size;
  }
}
