import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import { silentLogger, type ObjectStore, type Services } from '@berth/contracts';
import {
  connectRedis,
  redisServerPrograms,
  startRedisServer,
  type RedisConnection,
} from '@berth/queue';
import { startS3Server } from '@berth/s3-server';

/** A Redis and a bucket of a benchmark's own, and access to both. */
export interface BenchServices {
  readonly services: Services;
  readonly store: ObjectStore;
  readonly connection: RedisConnection;
  close(): Promise<void>;
}

export async function startBenchServices(): Promise<BenchServices> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-'));
  const redis = await startRedisServer({ programs: redisServerPrograms(process.env) });
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
  const server = await startS3Server({ folder, ...credentials });
  const { endpoint } = server;
  const s3 = { endpoint, region: 'us-east-1', bucket: 'bench', prefix: '', ...credentials };
  const store = createS3ObjectStore(s3, silentLogger);
  await store.ensureBucket();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  return {
    services: { redisUrl: redis.url, s3 },
    store,
    connection,
    async close() {
      connection.close();
      store.close();
      await redis.stop();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
