import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { isBerthError, silentLogger, type Services } from '@berth/contracts';
import {
  createS3ObjectStore,
  probeStore,
  storeFeatures,
  type S3ObjectStore,
  type StoreFeature,
} from '@berth/checkpoint';
import { checkRedis, redisAddress, redisServerPrograms } from '@berth/queue';
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
    const { version, warnings, clockAheadMs } = await checkRedis(redisUrl);
    const where = `${version} at ${redisAddress(redisUrl)}, noeviction`;
    const redis =
      warnings.length === 0
        ? ok('redis', `${where}, append-only file`)
        : warn('redis', `${where}; ${warnings.join('; ')}`);
    return [redis, clockFinding('redis clock', -clockAheadMs)];
  } catch (error) {
    return [fail('redis', error)];
  }
}

function isThere(program: string, env: Environment): boolean {
  if (program.includes('/')) return existsSync(program);
  return (env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/${program}`));
}

const patience = { requestTimeoutMs: 3_000, deadlineMs: 5_000 };
const probeTimeoutMs = 30_000;

/** The bucket takes, gives, lists and forgets an object, and the service has what berth asks of it. */
export async function checkBucket(s3: Services['s3'] | undefined): Promise<Finding[]> {
  if (s3 === undefined) return [ok('bucket', 'not named; berth starts an S3 server on loopback')];
  const store = createS3ObjectStore({ ...s3, ...patience }, silentLogger);
  try {
    const problem = await tryBucket(store);
    const clock = clockFinding('store clock', store.clockAheadMs() ?? 0);
    if (problem !== undefined) return [fail('bucket', problem)];
    const features = await checkFeatures(s3, store.describe());
    return [...features, ...temporaryKeys(s3), clock];
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

/** @returns what is wrong @throws what the store throws */
async function tryBucket(store: S3ObjectStore): Promise<string | undefined> {
  const key = `doctor-${randomBytes(6).toString('hex')}`;
  await store.put(key, Buffer.from('first'));
  try {
    const kept = Buffer.from(await store.get(key)).toString();
    if (kept !== 'first') return `${store.describe()} does not give back what was written`;
    const listed = await store.list(key);
    if (listed.some((object) => object.key === key)) return undefined;
    return `${store.describe()} does not list what was just written`;
  } finally {
    await store.delete(key);
  }
}

/** What the lack of a feature means; without those of `fail` nothing can be kept safely. */
const meanings: Readonly<Record<StoreFeature, readonly [Finding['verdict'], string]>> = {
  'conditional put': [
    'warn',
    'a run stays safe all the same: no two attempts or fencing epochs write under one key, and one process at a time has ' +
      'the lease; but two clusters that share a bucket and prefix by mistake are noticed late',
  ],
  'conditional upload in parts': [
    'warn',
    'berth asks for it for small objects only; nothing changes',
  ],
  'upload in parts': [
    'fail',
    'a file of more than 100 MiB, as of models larger than mini, cannot be saved',
  ],
  checksums: [
    'warn',
    'damage on the way is found when a checkpoint is read, not when it is written; then the one before is taken',
  ],
  'listing in order': ['warn', 'berth sorts what it lists; nothing changes'],
  'range reads': ['warn', 'berth reads whole objects; programs that read a part of a file get all'],
};

async function checkFeatures(s3: Services['s3'], where: string): Promise<Finding[]> {
  const options = { ...s3, requestTimeoutMs: probeTimeoutMs, deadlineMs: probeTimeoutMs };
  const lacking = await probeStore(options);
  const has = storeFeatures.filter((feature) => !lacking.has(feature));
  const bucket = ok('bucket', `${where}: write, read, list, delete, ${has.join(', ')}`);
  const findings = [...lacking].map(([feature, problem]): Finding => {
    const [verdict, meaning] = meanings[feature];
    return { name: `bucket ${feature}`, verdict, detail: `${problem}: ${meaning}` };
  });
  return [bucket, ...findings];
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

/** Times are confusing long before certificates and keys are refused. */
function clockFinding(name: string, aheadMs: number): Finding {
  const seconds = Math.abs(aheadMs) / 1000;
  const what = `${seconds.toFixed(1)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine`;
  if (seconds < 2) return ok(name, what);
  const fix = `${what}; set the clocks by NTP: timedatectl set-ntp true`;
  return seconds < 600 ? warn(name, fix) : fail(name, fix);
}
