import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  servicesFromEnvironment,
  type Logger,
  type S3Place,
  type Services,
} from '@berth/contracts';
import type { RedisListener } from '@berth/queue';
import type { S3Server } from '@berth/s3-server';
import { lockFolder } from '../local/folder-lock.ts';
import type { SupervisedRedis } from './supervised-redis.ts';
import { freePort } from '../local/free-ports.ts';
import { keepSecret } from '../local/keep-secret.ts';
import { makeFolder } from '../local/make-folder.ts';

/** Faults of embedded services, for chaos. */
export interface Disturbances {
  readonly redis?: Omit<SupervisedRedis, 'url' | 'stop'>;
  /** The S3 server is gone for a while. */
  readonly interruptStore?: (durationMs: number) => Promise<void>;
}

/** Redis and a bucket, with what was started for them. */
export interface RunningServices {
  readonly services: Services;
  /** What was embedded, for people: `redis-server at .berth/redis/redis.sock`. */
  readonly embedded: readonly string[];
  /** Ways to disturb what is embedded; undefined for services of others. */
  readonly disturb: Disturbances;
  close(): Promise<void>;
}

export interface ServicesOptions {
  /** Added to the environment of an embedded Redis. */
  readonly redisEnvironment?: Readonly<Record<string, string>>;
  /** Address of this machine at which other machines reach what is embedded. @defaultValue they do not */
  readonly reach?: string | undefined;
}

/**
 * Uses the services that the environment names and starts the missing ones, for this machine only unless told otherwise, their
 * data under `folder`.
 * @throws BerthError `QUEUE_UNREACHABLE` or `STORE_UNREACHABLE` when a named service does not answer, `CONFIG_INVALID` when
 * it is set up so that it cannot be used, or the folder cannot be written,
 * `RUN_STATE_CONFLICT` when another process has services of its own in the folder
 */
export async function startServices(
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  logger: Logger,
  { redisEnvironment = {}, reach }: ServicesOptions = {},
): Promise<RunningServices> {
  // Loaded here: commands that find a cluster running start nothing.
  const { createS3ObjectStore } = await import('@berth/checkpoint');
  const { checkRedis, redisAddress, redisServerPrograms } = await import('@berth/queue');
  const { startS3Server } = await import('@berth/s3-server');
  const { superviseRedis } = await import('./supervised-redis.ts');
  const named = servicesFromEnvironment(env);
  const closers: (() => Promise<void>)[] = [];
  let redisText: string | undefined;
  let storeText: string | undefined;
  let disturb: Disturbances = {};
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  const openRedis = async (): Promise<string> => {
    if (named.redisUrl !== undefined) {
      await checkRedis(named.redisUrl);
      return named.redisUrl;
    }
    const redis = await superviseRedis(
      {
        programs: redisServerPrograms(env),
        folder: join(folder, 'redis'),
        appendOnly: true,
        env: redisEnvironment,
        listen: reach === undefined ? undefined : await redisListener(folder, reach),
      },
      logger,
    );
    closers.push(() => redis.stop());
    disturb = { ...disturb, redis };
    redisText = `redis-server at ${redisAddress(redis.url)}`;
    return redis.url;
  };
  const startStore = async (): Promise<S3Place> => {
    const credentials = localCredentials(folder);
    const start = (port: number): Promise<S3Server> =>
      startS3Server({
        folder: join(folder, 's3'),
        host: reach ?? '127.0.0.1',
        port,
        ...credentials,
        logger,
      });
    let server = await start(0);
    closers.push(() => server.close());
    disturb = {
      ...disturb,
      async interruptStore(durationMs) {
        await server.close();
        await sleep(durationMs);
        server = await start(server.port);
      },
    };
    storeText = `S3 server at ${server.endpoint}, objects in ${join(folder, 's3')}`;
    return {
      endpoint: server.endpoint,
      region: 'us-east-1',
      bucket: 'berth',
      prefix: '',
      ...credentials,
    };
  };
  const openBucket = async (): Promise<S3Place> => {
    const s3 = named.s3 ?? (await startStore());
    const store = createS3ObjectStore(s3, logger);
    try {
      await store.ensureBucket();
    } finally {
      store.close();
    }
    return s3;
  };
  try {
    if (named.redisUrl === undefined || named.s3 === undefined) {
      makeFolder(folder, 'set BERTH_FOLDER to a folder that can be');
      const free = lockFolder(folder);
      closers.push(async () => free());
    }
    const [redisUrl, s3] = await allOrFirstError(openRedis(), openBucket());
    const embedded = [redisText, storeText].filter((line) => line !== undefined);
    return { services: { redisUrl, s3 }, embedded, disturb, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits for both also where one fails, so that what the other has started can be ended. */
async function allOrFirstError<A, B>(one: Promise<A>, other: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}

async function redisListener(folder: string, host: string): Promise<RedisListener> {
  return { host, port: await freePort(host), password: keepSecret(join(folder, 'redis-password')) };
}

/** Keys of the embedded S3 server, made once per folder and readable by its owner only. */
function localCredentials(folder: string): { accessKeyId: string; secretAccessKey: string } {
  const file = join(folder, 's3-credentials.json');
  if (existsSync(file))
    return JSON.parse(readFileSync(file, 'utf8')) as ReturnType<typeof localCredentials>;
  const made = {
    accessKeyId: `berth-${randomBytes(6).toString('hex')}`,
    secretAccessKey: randomBytes(24).toString('hex'),
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}
