import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  silentLogger,
  type LedgerEntry,
  type MemberInfo,
  type ObjectStore,
  type RunRecord,
  type StoredLedger,
} from '@berth/contracts';
import { createJobProducer } from '@berth/queue/jobs';
import {
  connectRedis,
  createLease,
  createMembers,
  createRuns,
  openRun,
  redisServerPrograms,
  startRedisServer,
  type RedisConnection,
} from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { onTestFinished } from 'vitest';
import { runController } from '../leading/controller.ts';
import { memberOf } from './api-fixture.ts';
import { recordOf } from './made-up-run.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };

export interface SceneOptions {
  readonly runId: string;
  readonly status: RunRecord['status'];
  readonly entries: readonly LedgerEntry[];
}

export interface Scene {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  /** Changes what the one worker says of itself. */
  say(news: Partial<MemberInfo>): void;
  /** Keeps what Redis has on its disk. */
  copy(): Promise<void>;
  /** Kills Redis and starts it with what it had when it was copied. */
  rollBack(): Promise<void>;
}

/** A ledger as a bucket has it. */
export function storedOf(known: readonly LedgerEntry[]): StoredLedger {
  return {
    numSteps: known.length,
    head: known.at(-1)?.head ?? '',
    async *entries(fromStep) {
      yield known.slice(fromStep);
    },
  };
}

/** A coordinator that drives a run over a real Redis and bucket, and the heartbeats of one idle worker. */
export async function startScene({ runId, status, entries }: SceneOptions): Promise<Scene> {
  const root = (await temporaryFolder()).path;
  const [folder, copied] = [join(root, 'redis'), join(root, 'copy')];
  const options = { programs: redisServerPrograms(process.env), folder, appendOnly: true };
  let server = await startRedisServer(options);
  const { url } = server;
  const bucket = await startS3Server({ folder: join(root, 's3'), ...credentials });
  const place = { endpoint: bucket.endpoint, region: 'us-east-1', bucket: 'test', prefix: '' };
  const store = createS3ObjectStore({ ...place, ...credentials }, silentLogger);
  await store.ensureBucket();
  const connection = await connectRedis(url, { role: 'producer' });
  const jobs = await createJobProducer(url);

  await createRuns(connection).create(recordOf(runId, { status }));
  const { fencingEpoch } = await createLease(connection, {
    holderId: 'before',
    ttlMs: 1,
  }).acquire();
  await openRun(connection, runId).ledger.restore(storedOf(entries), fencingEpoch);
  const members = createMembers(connection);
  const ending = new AbortController();
  let info = memberOf('worker', { runId, state: 'idle', step: 0 });
  const beating = (async () => {
    while (!ending.signal.aborted) {
      await members.heartbeat(info).catch(() => undefined);
      await sleep(100);
    }
  })();
  const coordination = {
    coordinatorId: 'c',
    connection,
    store,
    s3: { ...place, ...credentials },
    jobs,
    logger: silentLogger,
  };
  const running = runController(coordination, ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await Promise.all([running, beating]);
    await jobs.close();
    connection.close();
    store.close();
    await server.stop();
    await bucket.close();
  });
  return {
    connection,
    store,
    say(news) {
      info = { ...info, ...news };
    },
    copy: () => cp(folder, copied, { recursive: true, filter: (path) => path !== server.socket }),
    async rollBack() {
      await server.kill('SIGKILL');
      await rm(folder, { recursive: true });
      await cp(copied, folder, { recursive: true });
      server = await startRedisServer(options);
    },
  };
}
