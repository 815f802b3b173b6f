import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isBerthError, silentLogger, type Services } from '@berth/contracts';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { checkRedis, connectRedis, redisAddress, redisServerPrograms } from '@berth/queue';
import { fail, ok, warn, type Finding } from './finding.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Redis answers, may not evict keys, and keeps its data. */
export async function checkQueue(
  redisUrl: string | undefined,
  env: Environment,
): Promise<Finding[]> {
  if (redisUrl === undefined) {
    const found = redisServerPrograms(env).find((program) => isThere(program, env));
    const missing = 'REDIS_URL is not set and no redis-server is installed; run: npm run setup';
    return [
      found === undefined
        ? fail('redis', missing)
        : ok('redis', `not named; berth starts ${found} on a socket`),
    ];
  }
  try {
    const { version, warnings } = await checkRedis(redisUrl);
    const where = `${version} at ${redisAddress(redisUrl)}, noeviction`;
    const redis =
      warnings.length === 0
        ? ok('redis', `${where}, append-only file`)
        : warn('redis', `${where}; ${warnings.join('; ')}`);
    return [redis, clockFinding('redis clock', await redisClockMs(redisUrl))];
  } catch (error) {
    return [fail('redis', error)];
  }
}

function isThere(program: string, env: Environment): boolean {
  if (program.includes('/')) return existsSync(program);
  return (env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));
}

/** How far Redis' clock is ahead of ours. */
async function redisClockMs(url: string): Promise<number> {
  const connection = await connectRedis(url, { role: 'producer' });
  try {
    const sentMs = Date.now();
    const [seconds, micros] = await connection.call((client) => client.time());
    return Number(seconds) * 1000 + Number(micros) / 1000 - (sentMs + Date.now()) / 2;
  } finally {
    connection.close();
  }
}

/** The bucket takes, gives, lists and forgets an object, and knows writes that must not replace. */
export async function checkBucket(s3: Services['s3'] | undefined): Promise<Finding[]> {
  if (s3 === undefined) return [ok('bucket', 'not named; berth starts an S3 server on loopback')];
  const store = createS3ObjectStore(
    { ...s3, requestTimeoutMs: 3_000, deadlineMs: 5_000 },
    silentLogger,
  );
  try {
    const bucket = await probeBucket(store);
    return [bucket, ...temporaryKeys(s3), clockFinding('store clock', store.clockAheadMs() ?? 0)];
  } catch (error) {
    if (isBerthError(error) && error.code === 'STORE_NOT_FOUND')
      return [
        warn('bucket', `${error.message} The coordinator makes the bucket if its key may do so.`),
      ];
    return [fail('bucket', error)];
  } finally {
    store.close();
  }
}

async function probeBucket(store: S3ObjectStore): Promise<Finding> {
  const key = `doctor-${randomBytes(6).toString('hex')}`;
  await store.put(key, Buffer.from('first'), { ifAbsent: true });
  try {
    const second = await store.put(key, Buffer.from('second'), { ifAbsent: true });
    const kept = Buffer.from(await store.get(key)).toString();
    const listed = await store.list(key);
    if (!listed.some((object) => object.key === key))
      return fail('bucket', `${store.describe()} does not list what was just written`);
    if (second === 'exists' && kept === 'first')
      return ok('bucket', `${store.describe()}: write, conditional write, read, list, delete`);
    return fail(
      'bucket',
      `${store.describe()} ignores If-None-Match, which decides when a checkpoint exists; ` +
        'use a store that has it: AWS S3, Versity gateway, RustFS, SeaweedFS, or the embedded one',
    );
  } finally {
    await store.delete(key);
  }
}

/** Keys of the environment cannot be renewed while berth runs. */
function temporaryKeys({ sessionToken }: Services['s3']): Finding[] {
  if (sessionToken === undefined) return [];
  return [
    warn(
      'bucket keys',
      'AWS_SESSION_TOKEN is of keys that expire, and training stops saving then; for long runs use AWS_PROFILE or a ' +
        'role, whose keys are renewed',
    ),
  ];
}

/** S3 refuses requests that are 15 minutes off; logs and times are confusing long before. */
function clockFinding(name: string, aheadMs: number): Finding {
  const seconds = Math.abs(aheadMs) / 1000;
  const what = `${seconds.toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`;
  if (seconds < 2) return ok(name, what);
  const fix = `${what}; set the clocks by NTP: timedatectl set-ntp true`;
  return seconds < 600 ? warn(name, fix) : fail(name, fix);
}
