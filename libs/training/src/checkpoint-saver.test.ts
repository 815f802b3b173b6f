import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createS3ObjectStore,
  findNewestManifest,
  findUnnamedParts,
  listCheckpoints,
  manifestKey,
  placeOfKey,
  readManifest,
} from '@berth/checkpoint';
import {
  BerthError,
  genesisHead,
  noRequests,
  parseRunConfig,
  silentLogger,
  stateDigest,
  type LedgerEntry,
  type ObjectStore,
  type ParameterSpec,
  type RunRecord,
  type TrainingState,
  type View,
} from '@berth/contracts';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { createCheckpointSaver, type CheckpointSaver } from './checkpoint-saver.ts';
import { newAttempt } from '@berth/protocol';
import type { LedgerPort, RendezvousPort } from './ports.ts';
import type { PendingSave } from './saving/saver-options.ts';
import { Spool } from './saving/spool.ts';

const wentBack = { ...newAttempt(2, 5, 0), wentBackTo: 5 };
const layout: readonly ParameterSpec[] = [
  { name: 'kernel', shape: [2, 3], offset: 0, size: 6, decayed: true },
];
const credentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const config = parseRunConfig({ name: 'run', corpus: { path: 'a.txt' } }, 'test');
const numerics = { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 };
const cursor = { epoch: 0, index: 0 };
const line = { runId: 'run', attempt: 1, fencingEpoch: 1 };

function viewOf(...memberIds: string[]): View {
  const members = memberIds.map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
  return {
    runId: 'run',
    fencingEpoch: 1,
    version: 1,
    fromStep: 0,
    members,
    mode: 'train',
    reason: '',
  };
}

function stateAt(step: number): TrainingState {
  const vector = (): Float32Array => new Float32Array(6).fill(step);
  return { step, weights: vector(), firstMoments: vector(), secondMoments: vector() };
}

function entryOf(step: number): LedgerEntry {
  return {
    step,
    from: cursor,
    to: cursor,
    numExamples: 8,
    gradientDigest: '0123456789abcdef',
    fencingEpoch: 1,
    viewVersion: 1,
    members: ['a'],
    sums: { loss: 0 },
    committedAtMs: 1,
    head: genesisHead,
  };
}

const ledger: LedgerPort = {
  vote: () => Promise.reject(new Error('nobody votes here')),
  numCommitted: async () => 1_000,
  entry: async (step) => entryOf(step),
  entries: async (from, to) =>
    Array.from({ length: to - from }, (_, index) => entryOf(from + index)),
};

function rendezvous(): RendezvousPort {
  const keys = new Map<string, Map<string, string>>();
  return {
    async post(key, memberId, value) {
      const values = keys.get(key) ?? new Map<string, string>();
      if (!values.has(memberId)) values.set(memberId, value);
      keys.set(key, values);
    },
    read: async (key) => keys.get(key) ?? new Map<string, string>(),
  };
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The bucket of a real S3 server; uploads do what `gate` says first. */
async function gatedStore(gate: { pass: () => Promise<void> }): Promise<ObjectStore> {
  const { path } = await temporaryFolder();
  const server = await startS3Server({ folder: path, ...credentials });
  cleanups.push(() => server.close());
  const { endpoint } = server;
  const place = { endpoint, region: 'us-east-1', bucket: 'test', ...credentials };
  const store = createS3ObjectStore(place, silentLogger);
  await store.ensureBucket();
  return {
    ...store,
    async put(key, body, options) {
      await gate.pass();
      return store.put(key, body, options);
    },
  };
}

function saverOf(
  memberId: string,
  store: ObjectStore,
  {
    meeting = rendezvous(),
    saved = [] as number[],
    tried = [] as (string | undefined)[],
    diverged = [] as BerthError[],
    current = (record: RunRecord): RunRecord | undefined => record,
    attempts = [newAttempt(1, 0, 0)],
    pending = [] as (PendingSave | undefined)[],
    spool = undefined as Spool | undefined,
    spoolAfterMs = 1,
  } = {},
): CheckpointSaver {
  const record: RunRecord = {
    runId: 'run',
    config,
    trainingHash: 'hash',
    status: 'running',
    reason: '',
    error: null,
    goal: 'trained',
    createdAtMs: 0,
    updatedAtMs: 0,
    attempts,
    requests: noRequests,
    keptSteps: [],
    evaluations: [],
    manifestKey: 'm',
    exampleSetId: 'e',
    numerics,
  };
  return createCheckpointSaver({
    store,
    ledger,
    rendezvous: meeting,
    layout,
    memberId,
    record,
    currentRecord: async () => current(record),
    model: { hiddenSize: 3 } as never,
    datasetId: 'd',
    exampleSetId: 'e',
    numerics,
    onSaved: async ({ step }) => void saved.push(step),
    onDeleted: async () => undefined,
    onDiverged: (_, error) => void diverged.push(error),
    onTried: (error) => void tried.push(error?.code),
    onPending: (state) => void pending.push(state),
    spool,
    spoolAfterMs,
    logger: silentLogger,
  });
}

describe('createCheckpointSaver', () => {
  it('saves the newest state after an outage and skips those between', async () => {
    let end = (): void => undefined;
    const outage = new Promise<void>((resolve) => (end = resolve));
    const store = await gatedStore({ pass: () => outage });
    const saved: number[] = [];
    const saver = saverOf('a', store, { saved });
    for (const step of [10, 20, 30, 40]) saver.save(viewOf('a'), stateAt(step), cursor);
    end();
    await saver.settled();
    expect(saved).toEqual([10, 40]);
    expect((await saver.load(40)).weights).toEqual(stateAt(40).weights);
  });

  it('saves nothing once another attempt has begun', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    const saved: number[] = [];
    const next = { attempts: [newAttempt(1, 0, 0), newAttempt(2, 5, 0)] };
    const saver = saverOf('a', store, { saved, current: (record) => ({ ...record, ...next }) });
    saver.save(viewOf('a'), stateAt(10), cursor);
    await expect(saver.settled()).rejects.toMatchObject({ code: 'WORKER_FENCED' });
    expect(saved).toEqual([]);
    expect(await saver.newestStep(100)).toBeUndefined();
  });

  it('saves nothing when a member holds another state, in a weight or in a moment', async () => {
    for (const kind of ['weights', 'firstMoments', 'secondMoments'] as const) {
      const store = await gatedStore({ pass: async () => undefined });
      const meeting = rendezvous();
      const [saved, diverged] = [[] as number[], [] as BerthError[]];
      const savers = ['a', 'b', 'c'].map((member) =>
        saverOf(member, store, { meeting, saved, diverged }),
      );
      savers.forEach((saver, index) => {
        const state = stateAt(10);
        if (index === 1) new Uint32Array(state[kind].buffer)[1]! ^= 1;
        saver.save(viewOf('a', 'b', 'c'), state, cursor);
      });
      const [leader, ...others] = savers;
      await expect(leader?.settled()).rejects.toMatchObject({
        code: 'STATE_DIVERGED',
        details: { step: 10, odd: 'b' },
      });
      await Promise.all(others.map((saver) => saver.settled()));
      expect(saved).toEqual([]);
      expect(diverged).toHaveLength(1);
      expect(await leader?.newestStep(100)).toBeUndefined();
    }
  });

  it('says in the manifest which state it is of', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    const saver = saverOf('a', store);
    saver.save(viewOf('a'), stateAt(10), cursor);
    await saver.settled();
    const found = await findNewestManifest(store, 'run', { logger: silentLogger });
    expect(found?.manifest.stateDigest).toBe(stateDigest(stateAt(10)));
  });

  it('tells of a failed save once and saves the next one', async () => {
    const refusal = new BerthError('STORE_UNREACHABLE', 'the bucket is away');
    const gate = { pass: (): Promise<void> => Promise.reject(refusal) };
    const tried: (string | undefined)[] = [];
    const saver = saverOf('a', await gatedStore(gate), { tried });
    saver.save(viewOf('a'), stateAt(10), cursor);
    await expect(saver.settled()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    gate.pass = () => Promise.resolve();
    saver.save(viewOf('a'), stateAt(20), cursor);
    await saver.settled();
    expect(tried).toEqual(['STORE_UNREACHABLE', undefined]);
    expect(await saver.newestStep(100)).toBe(20);
  });

  it('never says that a run begins from the seed when only the ledger ends before its checkpoints', async () => {
    const saver = saverOf('a', await gatedStore({ pass: async () => undefined }));
    expect(await saver.newestStep(25)).toBeUndefined();
    for (const step of [30, 40]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      await saver.settled();
    }
    await expect(saver.newestStep(25)).rejects.toMatchObject({ code: 'LEDGER_BEHIND' });
    expect(await saver.newestStep(30)).toBe(30);
  });

  it('fetches what it has proven once, and keeps it no longer than until the next save', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    const fetched: string[] = [];
    const watched: ObjectStore = {
      ...store,
      get: (key, options) => {
        if (key.endsWith('.safetensors')) fetched.push(key);
        return store.get(key, options);
      },
    };
    const saver = saverOf('a', watched);
    saver.save(viewOf('a'), stateAt(10), cursor);
    await saver.settled();
    expect(await saver.newestStep(100)).toBe(10);
    expect((await saver.load(10)).weights).toEqual(stateAt(10).weights);
    expect(new Set(fetched).size).toBe(fetched.length);
    await saver.newestStep(100);
    saver.save(viewOf('a'), stateAt(20), cursor);
    fetched.length = 0;
    await saver.load(10);
    expect(fetched.length).toBeGreaterThan(0);
  });

  it('names few segments of the ledger however often it saves, and small ones however seldom', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    const saver = saverOf('a', store);
    const segments: string[][] = [];
    for (const step of [100, 200, 9_000, 9_100, 9_200]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      await saver.settled();
      const { ledger: named } = await readManifest(store, manifestKey(line, step));
      segments.push(named.map(({ fromStep, toStep }) => `${fromStep}-${toStep}`));
    }
    expect(segments).toEqual([
      ['0-100'],
      ['0-200'],
      ['0-4000', '4000-8000', '8000-9000'],
      ['0-4000', '4000-8000', '8000-9100'],
      ['0-4000', '4000-8000', '8000-9200'],
    ]);
    const stored = (await store.list('runs/run/')).filter(({ key }) => key.endsWith('.jsonl'));
    expect(stored.length).toBe(2 + config.train.keepLast);
  });

  it('ends with its session: what it has not stored by then it never will', async () => {
    let end = (): void => undefined;
    const outage = new Promise<void>((resolve) => (end = resolve));
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    const gate = {
      pass: () => {
        reach();
        return outage;
      },
    };
    const store = await gatedStore(gate);
    const saver = saverOf('a', store);
    saver.save(viewOf('a'), stateAt(10), cursor);
    saver.save(viewOf('a'), stateAt(20), cursor);
    await reached;
    const closed = saver.close();
    end();
    await closed;
    expect(await store.list('')).toEqual([]);
  });

  it('completes the deletions under way when its session ends', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    let reach = (): void => undefined;
    const reached = new Promise<void>((resolve) => (reach = resolve));
    let end = (): void => undefined;
    const gate = new Promise<void>((resolve) => (end = resolve));
    const slow: ObjectStore = {
      ...store,
      async delete(key, options) {
        reach();
        await gate;
        await store.delete(key, options);
      },
    };
    const saver = saverOf('a', slow);
    for (const step of [10, 20, 30, 40]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      if (step < 40) await saver.settled();
    }
    await reached;
    const closed = saver.close();
    end();
    await closed;
    const { parts } = await findUnnamedParts(store, 'run');
    expect(parts).toEqual([]);
    expect((await listCheckpoints(store, 'run')).map(({ step }) => step)).toEqual([20, 30, 40]);
  });

  it('takes no part that a member of another attempt has stored', async () => {
    const store = await gatedStore({ pass: async () => undefined });
    const meeting = rendezvous();
    const late = saverOf('b', store, { meeting });
    const view = viewOf('a', 'b');
    late.save(view, stateAt(10), cursor);
    const attempts = [newAttempt(1, 0, 0), newAttempt(2, 5, 0)];
    const leader = saverOf('a', store, { meeting, attempts });
    leader.save(view, stateAt(10), cursor);
    await Promise.all([late.settled(), leader.settled()]);
    const [saved] = await listCheckpoints(store, 'run', attempts);
    const { shards } = await readManifest(store, saved?.manifestKey ?? '');
    expect(shards.map(({ key }) => placeOfKey('run', key)?.attempt)).toEqual([2, 2]);
  });

  it('completes a save without a member that has skipped it or is gone', async () => {
    const store = await gatedStore({ pass: () => Promise.resolve() });
    const saved: number[] = [];
    const meeting = rendezvous();
    const [leader, other] = ['a', 'b'].map((member) => saverOf(member, store, { meeting, saved }));
    other?.save(viewOf('a', 'b', 'c'), stateAt(10), cursor);
    await other?.settled();
    leader?.save(viewOf('a', 'b', 'c'), stateAt(10), cursor);
    leader?.save({ ...viewOf('a'), version: 2 }, stateAt(20), cursor);
    await leader?.settled();
    expect(saved).toEqual([10, 20]);
  });

  it('saves nothing that less than most of the view have compared', async () => {
    const store = await gatedStore({ pass: () => Promise.resolve() });
    const saved: number[] = [];
    const leader = saverOf('a', store, { saved });
    leader.save(viewOf('a', 'b'), stateAt(10), cursor);
    leader.save({ ...viewOf('a'), version: 2 }, stateAt(20), cursor);
    await leader.settled();
    expect(saved).toEqual([20]);
  });
});

/** A bucket that is away until it is said to be back. */
async function storeAway(): Promise<{ store: ObjectStore; comeBack: () => void }> {
  const refusal = new BerthError('STORE_UNREACHABLE', 'the bucket is away');
  const gate = { pass: (): Promise<void> => Promise.reject(refusal) };
  const store = await gatedStore(gate);
  return { store, comeBack: () => void (gate.pass = () => Promise.resolve()) };
}

describe('an outage of the bucket', () => {
  it('costs no state: the newest is tried again, lies on disk meanwhile, and is gone from there once it is saved', async () => {
    const { path } = await temporaryFolder();
    const { store, comeBack } = await storeAway();
    const [saved, pending] = [[] as number[], [] as (PendingSave | undefined)[]];
    const saver = saverOf('a', store, { saved, pending, spool: new Spool(path, 'a') });
    for (const step of [10, 20]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      await expect(saver.settled()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    }
    expect((await readdir(path)).sort()).toEqual(['run.20.a.json', 'run.20.a.state']);
    const [first, last] = [pending[0], pending.at(-1)];
    expect(first).toMatchObject({ step: 10, spooledBytes: 0 });
    // Behind since the first that the bucket did not take.
    const onDisk = { spooledBytes: 72, spooledStep: 20 };
    expect(last).toEqual({ step: 20, ...onDisk, sinceMs: first?.sinceMs });
    comeBack();
    await expect.poll(() => saved, { timeout: 20_000 }).toEqual([20]);
    await expect.poll(() => pending.at(-1)).toBeUndefined();
    expect(await readdir(path)).toEqual([]);
    await saver.close();
    expect(await saver.newestStep(100)).toBe(20);
  });

  it('costs no state either when the process dies in it: the next one stores what lies on disk', async () => {
    const { path } = await temporaryFolder();
    const { store, comeBack } = await storeAway();
    const died = saverOf('a', store, { spool: new Spool(path, 'a') });
    died.save(viewOf('a'), stateAt(20), cursor);
    await expect(died.settled()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await died.close();
    const next = saverOf('b', store, { spool: new Spool(path, 'b') });
    await next.storeSpooled();
    expect(await readdir(path)).toHaveLength(2);
    comeBack();
    await next.storeSpooled();
    expect(await readdir(path)).toEqual([]);
    expect((await next.load(20)).weights).toEqual(stateAt(20).weights);
    const newest = await findNewestManifest(store, 'run', { logger: silentLogger });
    expect(newest?.manifest).toMatchObject({ step: 20, stateDigest: stateDigest(stateAt(20)) });
  });

  it.each<[string, { damage?: true; has?: true; attempts?: RunRecord['attempts'] }]>([
    ['that is damaged', { damage: true }],
    ['that a later attempt has left behind', { attempts: [newAttempt(1, 0, 0), wentBack] }],
    ['that the bucket has', { has: true }],
  ])('leaves no state to store %s', async (_, { damage = false, has = false, attempts }) => {
    const { path } = await temporaryFolder();
    const { store, comeBack } = await storeAway();
    const died = saverOf('a', store, { spool: new Spool(path, 'a') });
    died.save(viewOf('a'), stateAt(20), cursor);
    await expect(died.settled()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await died.close();
    comeBack();
    if (damage) await writeFile(join(path, 'run.20.a.state'), Buffer.alloc(72, 3));
    const other = saverOf('c', store);
    if (has) other.save(viewOf('c'), stateAt(20), cursor);
    await other.settled();
    const before = await store.list('');
    const next = saverOf('b', store, {
      spool: new Spool(path, 'b'),
      ...(attempts !== undefined && { attempts }),
    });
    await next.storeSpooled();
    expect(await readdir(path)).toEqual([]);
    expect(await store.list('')).toEqual(before);
  });

  it('lets memory be used again, never that of a state on its way', async () => {
    let end = (): void => undefined;
    const outage = new Promise<void>((resolve) => (end = resolve));
    const store = await gatedStore({ pass: () => outage });
    const saved: number[] = [];
    const saver = saverOf('a', store, { saved });
    const memories = [10, 20, 30].map((step) => {
      const memory = saver.memory();
      for (const [name, values] of Object.entries(stateAt(step)))
        if (name !== 'step') memory[name as 'weights'].set(values as Float32Array);
      saver.save(viewOf('a'), { step, ...memory }, cursor);
      return memory.weights;
    });
    expect(new Set(memories).size).toBe(2);
    expect(memories[2]).toBe(memories[1]);
    end();
    await saver.settled();
    expect(saved).toEqual([10, 30]);
    for (const step of saved)
      expect((await saver.load(step)).weights).toEqual(stateAt(step).weights);
    expect(memories).toContain(saver.memory().weights);
  });
});
