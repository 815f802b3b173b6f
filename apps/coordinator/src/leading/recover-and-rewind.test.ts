import {
  createS3ObjectStore,
  decodeLedger,
  findNewestManifest,
  isComplete,
  listCheckpoints,
  readBranch,
  surveyCheckpoints,
  type S3ObjectStore,
} from '@berth/checkpoint';
import {
  noRequests,
  silentLogger,
  type LedgerEntry,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { createJobProducer, type JobProducer } from '@berth/queue/jobs';
import { connectRedis, createLease, openRun, type RedisConnection } from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { startTestRedis, temporaryFolder } from '@berth/testing';
import { newAttempt, perform, RunSupervisor } from '@berth/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRunPorts } from './run-ports.ts';
import { RunRecordArchive } from './run-record-archive.ts';
import { pastOf } from '../testing/past-of.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';

const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const runId = 'rewind';
const toStep = 2;
const numSteps = 7;

let redis: Awaited<ReturnType<typeof startTestRedis>>;
let connection: RedisConnection;
let jobs: JobProducer;
let server: Awaited<ReturnType<typeof startS3Server>>;
const stores: S3ObjectStore[] = [];

beforeAll(async () => {
  redis = await startTestRedis();
  connection = await connectRedis(redis.url, { role: 'producer' });
  jobs = await createJobProducer(redis.url);
  server = await startS3Server({ folder: (await temporaryFolder()).path, ...credentials });
});

afterAll(async () => {
  await jobs.close();
  connection.close();
  await redis.stop();
  for (const store of stores) store.close();
  await server.close();
});

/** A run of seven steps with checkpoints, stopped, and asked to go on from the first of them. */
interface Scene {
  readonly store: ObjectStore;
  readonly record: RunRecord;
}

async function flush(): Promise<void> {
  await connection.call((client) => client.flushall());
}

async function fencingEpoch(usedEpoch = 0): Promise<number> {
  const lease = createLease(connection, { holderId: 'test', ttlMs: 60_000 });
  return (await lease.acquire(usedEpoch)).fencingEpoch;
}

/** As if another coordinator had taken the lease. */
async function takeOver(): Promise<void> {
  await fencingEpoch((await fencingEpoch()) + 1);
}

const member = { memberId: 'a', host: 'h', port: 1, blocks: [] };

async function trainTo(
  store: ObjectStore,
  attempt: number,
  steps: number,
  saved: readonly number[],
): Promise<void> {
  const epoch = await fencingEpoch();
  const { views, ledger, checkpoints } = openRun(connection, runId);
  const draft = { fencingEpoch: epoch, mode: 'train' as const, reason: '', members: [member] };
  const view = await views.publish(draft, (await views.current())?.version);
  const made = entriesOf(steps, { fencingEpoch: epoch, viewVersion: view.version });
  for (const { sums, ...facts } of made.slice(view.fromStep))
    await ledger.vote(view, 'a', facts, sums);
  const entries = await ledger.entries(0, steps);
  for (const step of saved) {
    const manifestKey = await storeCheckpoint(store, runId, entries.slice(0, step), attempt);
    await checkpoints.note({ step, manifestKey, savedAtMs: 1 });
  }
}

async function scene(): Promise<Scene> {
  await flush();
  const place = { endpoint: server.endpoint, region: 'us-east-1', bucket: 'test', ...credentials };
  const store = createS3ObjectStore({ ...place, prefix: `scene-${stores.length}` }, silentLogger);
  stores.push(store);
  if (stores.length === 1) await store.ensureBucket();
  await trainTo(store, 1, numSteps, [2, 4, 6]);
  const ended = { ...newAttempt(1, 0, 1), endedAtMs: 2, toStep: numSteps, abandonedFromStep: 2 };
  const record = recordOf(runId, {
    status: 'preparing',
    attempts: [ended, { ...newAttempt(2, toStep, 3), wentBackTo: toStep }],
    requests: { ...noRequests, rewind: { toStep, attempt: 1, askedAtMs: 3 } },
  });
  return { store, record };
}

class Killed extends Error {}

/** Ports that die at some call, as a coordinator does: nothing happens after it. */
function mortal(store: ObjectStore, diesAtCall: number) {
  let numCalls = 0;
  const count = <T extends object>(port: T, names: readonly (keyof T)[]): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        const method = value as (...args: unknown[]) => unknown;
        if (!names.includes(name as keyof T)) return method.bind(target);
        return (...args: unknown[]) => {
          numCalls++;
          if (numCalls >= diesAtCall) throw new Killed();
          return method.apply(target, args);
        };
      },
    });
  return {
    connection: count(connection, ['call', 'run']),
    store: count(store, ['put', 'get', 'head', 'list', 'delete']),
    numCalls: () => numCalls,
  };
}

async function look(
  record: RunRecord,
  ports: { readonly store: ObjectStore; readonly connection: RedisConnection },
): Promise<unknown> {
  const moment = { fencingEpoch: await fencingEpoch(), serverEpoch: 1, isLenient: false };
  const archive = new RunRecordArchive(ports.store, silentLogger);
  const supervisor = new RunSupervisor(
    openRunPorts({ ...ports, archive, jobs, logger: silentLogger }, runId),
  );
  return perform(supervisor.tick(record, moment));
}

async function state({ store, record }: Scene) {
  const branch = await readBranch(store, runId, 1);
  const stored: LedgerEntry[] = [];
  for (const { key } of branch?.ledger ?? [])
    for await (const page of decodeLedger(await store.get(key))) stored.push(...page);
  const { ledger, checkpoints, views } = openRun(connection, runId);
  return {
    ledger: (await ledger.entries(0, 99)).map(({ step }) => step),
    checkpoints: await stepsOnLine(store, record),
    newest: (await checkpoints.newest())?.step,
    numVoters: (await views.current())?.members.length,
    branch: stored.map(({ step }) => step),
  };
}

async function stepsOnLine(store: ObjectStore, { attempts }: RunRecord): Promise<number[]> {
  const listed = await listCheckpoints(store, runId, attempts);
  return [...new Set(listed.map(({ step }) => step))];
}

const rewound = {
  ledger: [0, 1],
  checkpoints: [2],
  newest: 2,
  numVoters: 0,
  branch: [2, 3, 4, 5, 6],
};

/** As it is once the attempt after the rewind has trained to step 5 and saved step 4. */
const wentOn = { ledger: [0, 1, 2, 3, 4], checkpoints: [2, 4], newest: 4 };

/** A store whose calls stand still from some call on, until told to go on. */
function stallingStore(store: ObjectStore, stallsAtCall: number) {
  let goOn = (): void => undefined;
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  let reach = (_isStalled: boolean): void => undefined;
  const reached = new Promise<boolean>((resolve) => (reach = resolve));
  let numCalls = 0;
  const stalling = new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function' || name === 'describe') return value;
      const method = value as (...args: unknown[]) => unknown;
      return async (...args: unknown[]) => {
        numCalls++;
        if (numCalls >= stallsAtCall) {
          reach(true);
          await gate;
        }
        return method.apply(target, args);
      };
    },
  });
  return { store: stalling, reached, goOn };
}

describe('cutting a history back', () => {
  it('files what comes after the checkpoint, and says that it is done', async () => {
    const { store, record } = await scene();
    const change = await look(record, { store, connection });
    expect(change).toEqual({
      requests: noRequests,
      keptSteps: [],
      reason: 'went back to step 2',
    });
    expect(await state({ store, record })).toEqual(rewound);
    const surveyed = await surveyCheckpoints(store, runId, record.attempts);
    expect(surveyed.map(({ step, isLeftBehind }) => [step, isLeftBehind])).toEqual([
      [2, false],
      [4, true],
      [6, true],
    ]);
  });

  it.each(['pausing', 'stopping'] as const)(
    'is done before a run that is %s saves',
    async (status) => {
      const { store, record } = await scene();
      const change = await look({ ...record, status }, { store, connection });
      expect(change).toMatchObject({ reason: 'went back to step 2' });
      expect(await state({ store, record })).toEqual(rewound);
    },
  );

  it('comes to the same end wherever the coordinator is killed, also when Redis loses all besides', async () => {
    for (let diesAtCall = 1; ; diesAtCall++) {
      const { store, record } = await scene();
      const ports = mortal(store, diesAtCall);
      const outcome = await look(record, ports).catch((error: unknown) => error);
      const isFlushed = diesAtCall % 2 === 0;
      if (isFlushed) await flush();
      await look(record, { store, connection });
      const { branch, ...rest } = await state({ store, record });
      const { branch: whole, ...line } = rewound;
      expect({ diesAtCall, ...rest }).toEqual({ diesAtCall, ...line });
      // What no checkpoint held was in Redis alone.
      const known = isFlushed ? branch.slice(0, 4) : branch;
      expect(known).toEqual(whole.slice(0, known.length));
      expect(known.length).toBeGreaterThanOrEqual(isFlushed ? 4 : 5);
      if (outcome instanceof Killed) continue;
      expect(diesAtCall).toBeGreaterThan(20);
      return;
    }
  });

  it('is not done again to the attempt after it when an old copy of the record comes back', async () => {
    const { store, record } = await scene();
    await look(record, { store, connection });
    await trainTo(store, 2, 5, [4]);
    await look(record, { store, connection });
    expect(await state({ store, record })).toMatchObject({ ...wentOn, numVoters: 0 });
  });

  it('is harmless to the attempt after it when a coordinator wakes up late in it, at any call', async () => {
    let numCalls = 0;
    for (let stallsAtCall = 1; ; stallsAtCall++) {
      const { store, record } = await scene();
      const stalled = stallingStore(store, stallsAtCall);
      const late = look(record, { store: stalled.store, connection }).catch(() => undefined);
      const isStalled = await Promise.race([stalled.reached, late.then(() => false)]);
      if (!isStalled) break;
      numCalls++;
      await takeOver();
      await look(record, { store, connection });
      await trainTo(store, 2, 5, [4]);
      const before = await store.list('');
      stalled.goOn();
      await late;
      expect({ stallsAtCall, ...(await state({ store, record })) }).toMatchObject({
        stallsAtCall,
        ...wentOn,
      });
      const left = new Set((await store.list('')).map(({ key }) => key));
      expect(before.filter(({ key }) => !left.has(key))).toEqual([]);
    }
    expect(numCalls).toBeGreaterThan(10);
  });

  it('does not begin when the checkpoint is gone, so that another can be chosen', async () => {
    const { store, record } = await scene();
    const [gone] = await listCheckpoints(store, runId, record.attempts);
    await store.delete(gone?.manifestKey ?? '');
    const change = (await look(record, { store, connection })) as Partial<RunRecord>;
    expect(change).toMatchObject({ status: 'failed', error: { code: 'CHECKPOINT_NOT_FOUND' } });
    expect(change.requests?.rewind).toBeNull();
    expect(await stepsOnLine(store, { ...record, ...change })).toEqual([4, 6]);
    expect(await openRun(connection, runId).ledger.numCommitted()).toBe(numSteps);
  });

  it('goes back to the beginning without a checkpoint', async () => {
    const { store, record } = await scene();
    const [ended] = record.attempts;
    const attempts = [ended!, { ...newAttempt(2, 0, 3), wentBackTo: 0 }];
    const requests = { ...noRequests, rewind: { toStep: 0, attempt: 1, askedAtMs: 3 } };
    const change = await look({ ...record, attempts, requests }, { store, connection });
    expect(change).toMatchObject({ reason: 'went back to step 0' });
    expect(await openRun(connection, runId).ledger.numCommitted()).toBe(0);
    expect(await stepsOnLine(store, { ...record, attempts })).toEqual([]);
  });

  it('outlives the deletion of the manifest that it went back to', async () => {
    const { store, record } = await scene();
    const [first] = await listCheckpoints(store, runId, record.attempts);
    await look(record, { store, connection });
    // As a member of the attempt before may have sent it, long ago.
    await store.delete(first?.manifestKey ?? '');
    const newest = await findNewestManifest(store, runId, {
      attempts: record.attempts,
      logger: silentLogger,
    });
    expect(newest?.manifest.step).toBe(toStep);
    expect(await isComplete(store, newest?.manifestKey ?? '')).toBe(true);
  });

  it('is done again when Redis comes back with what was cut off', async () => {
    const { store, record } = await scene();
    const before = (await connection.client.dumpBuffer(`berth:{${runId}}:ledger`)) ?? '';
    await look(record, { store, connection });
    await connection.client.restore(`berth:{${runId}}:ledger`, 0, before, 'REPLACE');
    const history = pastOf({ store, connection, logger: silentLogger }, runId);
    await perform(history.restore(await fencingEpoch(), record.attempts));
    expect(await state({ store, record })).toMatchObject({ ledger: [0, 1], newest: 2 });
  });

  it('keeps the metrics of the branch beside those of the attempt after it', async () => {
    const { store, record } = await scene();
    const { metrics } = openRun(connection, runId);
    const line = (attempt: number, kind: 'step' | 'eval', step: number) =>
      metrics.append({
        kind,
        attempt,
        step,
        timeMs: 1,
        loss: 1,
        masked_lm_loss: 1,
        masked_lm_accuracy: 0,
        next_sentence_loss: 0,
        next_sentence_accuracy: 0,
        numTokens: 1,
      });
    for (const step of [0, 1, 2, 3]) await line(1, 'step', step);
    await line(1, 'eval', 2);
    await look(record, { store, connection });
    for (const step of [1, 2, 3]) await line(2, 'step', step);
    await line(2, 'eval', 2);
    const lines = await metrics.last(99);
    expect(lines.map(({ attempt, kind, step }) => `${attempt} ${kind} ${step}`)).toEqual([
      '1 step 0',
      '1 step 2',
      '1 step 3',
      '2 step 1',
      '2 step 2',
      '2 step 3',
      '2 eval 2',
    ]);
  });
});
