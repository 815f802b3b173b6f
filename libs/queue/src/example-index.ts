import {
  BerthError,
  canonicalJson,
  exampleShardField,
  exampleShardSchema,
  type ExampleShard,
} from '@berth/contracts';
import type { RedisConnection } from './connection.ts';
import { exampleIndexKey } from './keys.ts';

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
}

export function createExampleIndex(
  connection: RedisConnection,
  exampleSetId: string,
): ExampleIndex {
  const key = exampleIndexKey(exampleSetId);

  const getAll = async (
    names: readonly ExampleShardName[],
  ): Promise<(ExampleShard | undefined)[]> => {
    if (names.length === 0) return [];
    const texts = await connection.call((client) => client.hmget(key, ...names.map(fieldOf)));
    return texts.map((text) =>
      typeof text === 'string' ? exampleShardSchema.parse(JSON.parse(text)) : undefined,
    );
  };
  const get = async (name: ExampleShardName): Promise<ExampleShard | undefined> =>
    (await getAll([name]))[0];

  return {
    get,
    getAll,
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
    count: () => connection.call((client) => client.hlen(key)),
  };
}

function fieldOf({ split, epoch, shard }: ExampleShardName): string {
  return exampleShardField(split, epoch, shard);
}
