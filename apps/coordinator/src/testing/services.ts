import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { silentLogger, type Services } from '@berth/contracts';
import { connectRedis, type RedisConnection } from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { startTestRedis, temporaryFolder } from '@berth/testing';
import { onTestFinished } from 'vitest';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };

/** Redis and a bucket, with what ends them. */
async function openServices(): Promise<{ services: Services; end: () => Promise<void> }> {
  const redis = await startTestRedis();
  const server = await startS3Server({ folder: (await temporaryFolder()).path, ...credentials });
  const { endpoint } = server;
  const s3 = { endpoint, region: 'us-east-1', bucket: 'test', prefix: '', ...credentials };
  const store = createS3ObjectStore(s3, silentLogger);
  await store.ensureBucket();
  store.close();
  return {
    services: { redisUrl: redis.url, s3 },
    async end() {
      await server.close();
      await redis.stop();
    },
  };
}

/** Redis and a bucket of the test's own. */
export async function startServices(): Promise<Services> {
  const { services, end } = await openServices();
  onTestFinished(end);
  return services;
}

/** Connections to a Redis and a bucket that the tests of a file share. */
export interface Backends {
  readonly services: Services;
  readonly connection: RedisConnection;
  readonly store: S3ObjectStore;
  close(): Promise<void>;
}

export async function openBackends(): Promise<Backends> {
  const { services, end } = await openServices();
  const connection = await connectRedis(services.redisUrl, { role: 'producer' });
  const store = createS3ObjectStore(services.s3, silentLogger);
  return {
    services,
    connection,
    store,
    async close() {
      connection.close();
      store.close();
      await end();
    },
  };
}
