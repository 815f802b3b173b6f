import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  silentLogger,
  type LedgerEntry,
  type ObjectStore,
  type StoredLedger,
  type View,
} from '@berth/contracts';
import {
  connectRedis,
  createCheckpointIndex,
  createJobProducer,
  createLease,
  createLedger,
  createMembers,
  createRuns,
  createViews,
  redisServerPrograms,
  startRedisServer,
  type RedisConnection,
} from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder, waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { runController } from './controller.ts';
import { memberOf } from './testing/api-fixture.ts';
import { entriesOf, recordOf, storeCheckpoint } from './testing/made-up-run.ts';

const runId = 'older';
const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const patience = { timeoutMs: 30_000 };

const entries = entriesOf(50, { fencingEpoch: 1, viewVersion: 1 });

function storedOf(known: readonly LedgerEntry[]): StoredLedger {
  return {
    numSteps: known.length,
    head: known.at(-1)?.head ?? '',
    async *entries(fromStep) {
      yield known.slice(fromStep);
    },
  };
}

interface Scene {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  /** Keeps what Redis has on its disk. */
  copy(): Promise<void>;
  /** Kills Redis and starts it with what it had when it was copied. */
  rollBack(): Promise<void>;
}

/** A coordinator that drives a run of 25 steps which is to be paused, and one idle worker. */
async function startScene(): Promise<Scene> {
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

  await createRuns(connection).create(recordOf(runId, { status: 'pausing' }));
  const { fencingEpoch } = await createLease(connection, {
    holderId: 'before',
    ttlMs: 1,
  }).acquire();
  await createLedger(connection, runId).restore(storedOf(entries.slice(0, 25)), fencingEpoch);
  const members = createMembers(connection);
  const ending = new AbortController();
  const beating = (async () => {
    while (!ending.signal.aborted) {
      const info = memberOf('worker', { runId, state: 'idle', step: 0 });
      await members.heartbeat(info).catch(() => undefined);
      await sleep(100);
    }
  })();
  const coordination = { coordinatorId: 'c', connection, store, jobs, logger: silentLogger };
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
    copy: () => cp(folder, copied, { recursive: true, filter: (path) => path !== server.socket }),
    async rollBack() {
      await server.kill('SIGKILL');
      await rm(folder, { recursive: true });
      await cp(copied, folder, { recursive: true });
      server = await startRedisServer(options);
    },
  };
}

it('brings back all that a Redis has forgotten, and gives no view out twice', async () => {
  const scene = await startScene();
  const { connection, store } = scene;
  const views = createViews(connection, runId);
  const ledger = createLedger(connection, runId);
  const checkpoints = createCheckpointIndex(connection, runId);
  const viewAfter = (known: View): Promise<View> =>
    waitFor(
      async () => {
        const view = await views.current().catch(() => undefined);
        return view !== undefined && view.fencingEpoch > known.fencingEpoch && view;
      },
      { ...patience, what: 'a view of a new epoch' },
    );
  const firstView = await waitFor(() => views.current(), { ...patience, what: 'a view' });
  expect(firstView.fromStep).toBe(25);
  await scene.copy();
  await ledger.restore(storedOf(entries), firstView.fencingEpoch);
  await storeCheckpoint(store, runId, entries.slice(0, 40));

  await scene.rollBack();
  const second = await viewAfter(firstView);
  expect(second.fromStep).toBe(40);
  expect(await checkpoints.at(40)).toBeDefined();

  // The same disk again: the coordinator may not repeat itself either.
  await scene.rollBack();
  const third = await viewAfter(second);
  expect(third.fromStep).toBe(40);
});
