import { afterAll, beforeAll, beforeEach } from 'vitest';
import { connectRedis, type RedisConnection } from '../connection/connection.ts';
import { globalKeys } from '../connection/keys.ts';
import {
  redisServerPrograms,
  startRedisServer,
  type RedisProcess,
} from '../server/redis-server.ts';

export interface RedisFixture {
  readonly server: RedisProcess;
  readonly connection: RedisConnection;
}

/** One Redis for the tests of a file, emptied before each. */
export function useRedis(): RedisFixture {
  let server: RedisProcess | undefined;
  let connection: RedisConnection | undefined;
  beforeAll(async () => {
    server = await startRedisServer({ programs: redisServerPrograms(process.env) });
    connection = await connectRedis(server.url, { role: 'producer' });
  });
  beforeEach(async () => {
    await connection?.client.flushall();
  });
  afterAll(async () => {
    connection?.close();
    await server?.stop();
  });
  return {
    get server() {
      if (server === undefined) throw new Error('Redis has not been started');
      return server;
    },
    get connection() {
      if (connection === undefined) throw new Error('Redis has not been started');
      return connection;
    },
  };
}

/** Makes an epoch that of the lease, whoever holds it. */
export async function beginEpoch({ client }: RedisConnection, epoch: number): Promise<void> {
  await client.hset(globalKeys.lease, 'epoch', epoch);
}
