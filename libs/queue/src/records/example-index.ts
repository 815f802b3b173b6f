import {
  BerthError,
  canonicalJson,
  exampleShardField,
  exampleShardSchema,
  readJson,
  type ExampleShard,
} from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { exampleIndexKey, exampleSizesKey } from '../connection/keys.ts';

export type ExampleShardName = Pick<ExampleShard, 'split' | 'epoch' | 'shard'>;

/** Which example shards of an example set exist. */
export interface ExampleIndex {
  /**
   * Notes a finished shard. Noting the same one again is harmless.
   * @throws BerthError `DATA_SHARD_CORRUPT` when a different shard has that name: the job was not deterministic
   */
  put(shard: ExampleShard): Promise<void>;
  get(name: ExampleShardName): Promise<ExampleShard | undefined>;
  /** In the order asked; `undefined` where there is none yet. */
  getAll(names: readonly ExampleShardName[]): Promise<(ExampleShard | undefined)[]>;
  /** Shards noted. */
  count(): Promise<number>;
  /** Forgets a shard that is gone, so that it is made again when somebody needs it. */
  forget(name: ExampleShardName): Promise<void>;
  /** Forgets the train shards of an epoch, which are these, and remembers how many examples they had if all were there. */
  forgetEpoch(epoch: number, shards: readonly number[]): Promise<void>;
  /** Forgets all of it: its shards are gone, and nobody needs them. */
  remove(): Promise<void>;
  /** Examples in an epoch of these shards; undefined while some of them have never been made. */
  epochSize(epoch: number, shards: readonly number[]): Promise<number | undefined>;
}

/** Entries read in one call. */
const numAtOnce = 1_000;

export function createExampleIndex(
  connection: RedisConnection,
  exampleSetId: string,
): ExampleIndex {
  const key = exampleIndexKey(exampleSetId);

  const getAll = async (
    names: readonly ExampleShardName[],
  ): Promise<(ExampleShard | undefined)[]> => {
    const found: (ExampleShard | undefined)[] = [];
    // In turns: an epoch may have many thousands.
    for (let start = 0; start < names.length; start += numAtOnce) {
      const fields = names.slice(start, start + numAtOnce).map(fieldOf);
      const texts = await connection.call((client) => client.hmget(key, ...fields));
      for (const text of texts) {
        const reading = typeof text === 'string' && readJson(exampleShardSchema, text);
        found.push(reading && reading.ok ? reading.value : undefined);
      }
    }
    return found;
  };
  const get = async (name: ExampleShardName): Promise<ExampleShard | undefined> =>
    (await getAll([name]))[0];

  const sizesKey = exampleSizesKey(exampleSetId);
  const trainShards = (epoch: number, shards: readonly number[]): ExampleShardName[] =>
    shards.map((shard) => ({ split: 'train', epoch, shard }));

  const epochSize = async (
    epoch: number,
    shards: readonly number[],
  ): Promise<number | undefined> => {
    const known = await connection.call((client) => client.hget(sizesKey, String(epoch)));
    if (known !== null) return Number(known);
    const found = await getAll(trainShards(epoch, shards));
    const counts = found.flatMap((shard) => shard?.numExamples ?? []);
    return counts.length < shards.length
      ? undefined
      : counts.reduce((sum, count) => sum + count, 0);
  };

  return {
    get,
    getAll,
    epochSize,
    async forget(name) {
      await connection.call((client) => client.hdel(key, fieldOf(name)));
    },
    async forgetEpoch(epoch, shards) {
      const size = await epochSize(epoch, shards);
      if (size !== undefined)
        await connection.call((client) => client.hset(sizesKey, String(epoch), size));
      const fields = trainShards(epoch, shards).map(fieldOf);
      await connection.call((client) => client.hdel(key, ...fields));
    },
    async put(shard) {
      const field = fieldOf(shard);
      const added = await connection.call((client) =>
        client.hsetnx(key, field, canonicalJson(shard)),
      );
      if (added === 1) return;
      const known = await get(shard);
      if (canonicalJson(known) !== canonicalJson(shard))
        throw new BerthError(
          'DATA_SHARD_CORRUPT',
          `example shard ${field} was made twice with different bytes (sha256 ${known?.sha256 ?? 'none'} and ` +
            `${shard.sha256}); the workers must run the same version of berth`,
          { details: { exampleSetId, field } },
        );
    },
    async remove() {
      await connection.call((client) => client.unlink(key, sizesKey));
    },
    count: () => connection.call((client) => client.hlen(key)),
  };
}

function fieldOf({ split, epoch, shard }: ExampleShardName): string {
  return exampleShardField(split, epoch, shard);
}
