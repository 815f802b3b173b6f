import { BerthError, silentLogger, type ObjectStore } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { applyRetention } from './apply-retention.ts';
import type { Attempts } from './attempts.ts';
import { placeOfKey } from './keys.ts';
import { listCheckpoints } from './manifest.ts';
import { pinCheckpoint } from './pin.ts';
import { findNewestValid } from './read.ts';
import {
  startTestStore,
  stateAt,
  storeCheckpoint,
  storeParts,
  testLayout,
  testLine,
} from './testing/fixtures.ts';
import { findUnnamedParts } from './unnamed-parts.ts';

const policy = { keepLast: 2, keepEverySteps: 0 };
const one: Attempts = [{ attempt: 1, startedAtMs: 1 }];
const two: Attempts = [...one, { attempt: 2, wentBackTo: 10, startedAtMs: 2 }];
const open = { layout: testLayout, logger: silentLogger };

/** The run's attempts, as its record has them now. */
interface Known {
  attempts: Attempts;
}

/** What a member of the first attempt does after it has saved step 30. */
async function retain(store: ObjectStore, known: Known): Promise<void> {
  await applyRetention(store, 'run', policy, {
    newestVerifiedStep: 30,
    attempts: one,
    fence: async () => {
      if (known.attempts.length === 1) return;
      throw new BerthError('WORKER_FENCED', 'another attempt has begun');
    },
    logger: silentLogger,
  });
}

/** A store of which the n-th call of a kind stands still until it is let go. */
function stalling(store: ObjectStore, kind: 'delete' | 'put', stallsAt = 1) {
  let letGo = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  let reach = (): void => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  let numCalls = 0;
  const method = store[kind] as (...args: unknown[]) => Promise<unknown>;
  const stalled = async (...args: unknown[]): Promise<unknown> => {
    if (++numCalls === stallsAt) {
      reach();
      await gate;
    }
    return method(...args);
  };
  const slow: ObjectStore = { ...store, [kind]: stalled };
  return { store: slow, reached, letGo };
}

async function threeSaved(): Promise<ObjectStore> {
  const { store } = await startTestStore();
  for (const step of [10, 20, 30]) await storeCheckpoint(store, step);
  return store;
}

describe('a deletion that arrives late', () => {
  it('does not take the checkpoint that a later attempt has gone back to', async () => {
    const store = await threeSaved();
    const deleting = stalling(store, 'delete');
    const known: Known = { attempts: one };
    const zombie = retain(deleting.store, known);
    await deleting.reached;
    known.attempts = two;
    const line = { runId: 'run', attempt: 2, fencingEpoch: 2 };
    const pinning = stalling(store, 'put');
    const pinned = pinCheckpoint(pinning.store, line, 10, two);
    await pinning.reached;
    deleting.letGo();
    await expect(zombie).rejects.toMatchObject({ code: 'WORKER_FENCED' });
    pinning.letGo();
    expect(await pinned).toBe(true);
    const found = await findNewestValid(store, 'run', { ...open, attempts: two });
    expect(found?.state).toEqual(stateAt(10));
    expect(found?.skipped).toEqual([]);
  });

  it('of parts is sent only once nobody can go back to them', async () => {
    const store = await threeSaved();
    const { store: slow, reached, letGo } = stalling(store, 'delete', 2);
    const known: Known = { attempts: one };
    const zombie = retain(slow, known);
    await reached;
    known.attempts = two;
    const line = { runId: 'run', attempt: 2, fencingEpoch: 2 };
    expect(await pinCheckpoint(store, line, 10, two)).toBe(false);
    letGo();
    await expect(zombie).rejects.toMatchObject({ code: 'WORKER_FENCED' });
    // What it left is swept by the attempt after it.
    expect((await findUnnamedParts(store, 'run')).parts.length).toBeGreaterThan(0);
  });

  it('is none of a later attempt, nor of what it has left behind', async () => {
    const store = await threeSaved();
    for (const step of [10, 20, 30, 40])
      await storeCheckpoint(store, step, { attempt: 2, fencingEpoch: 2 });
    await retain(store, { attempts: one });
    const left = (await store.list('runs/run/')).flatMap(({ key }) => placeOfKey('run', key) ?? []);
    const manifests = left.filter(({ isManifest }) => isManifest);
    expect(manifests.map(({ attempt, step }) => `${attempt}/${step}`)).toEqual([
      '1/20',
      '1/30',
      '2/10',
      '2/20',
      '2/30',
      '2/40',
    ]);
    const found = await findNewestValid(store, 'run', { ...open, maxStep: 10 });
    expect(found?.state).toEqual(stateAt(10));
  });

  it('is not made while a later attempt keeps what it was resumed from', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 10);
    for (const step of [20, 30, 40])
      await storeCheckpoint(store, step, { attempt: 2, fencingEpoch: 2 });
    const options = { newestVerifiedStep: 40, attempts: two, fence: async () => undefined };
    const kept = { ...policy, resumedFromStep: 10 };
    await applyRetention(store, 'run', kept, { ...options, logger: silentLogger });
    const steps = async () => (await listCheckpoints(store, 'run', two)).map(({ step }) => step);
    expect(await steps()).toEqual([10, 30, 40]);
    // Nobody needs it once a later attempt has gone on.
    await applyRetention(store, 'run', policy, { ...options, logger: silentLogger });
    expect(await steps()).toEqual([30, 40]);
  });
});

describe('parts without a manifest', () => {
  /** As if an object had been stored earlier than it was. */
  function aged(store: ObjectStore, part: string, byMs: number): ObjectStore {
    return {
      ...store,
      list: async (prefix) =>
        (await store.list(prefix)).map((one) =>
          one.key.includes(part) ? { ...one, lastModifiedMs: one.lastModifiedMs - byMs } : one,
        ),
    };
  }
  const sweep = (store: ObjectStore) =>
    applyRetention(store, 'run', policy, {
      newestVerifiedStep: 20,
      attempts: one,
      fence: async () => undefined,
      logger: silentLogger,
    });

  it('are swept once manifests have been written long after them, whoever left them', async () => {
    const { store } = await startTestStore();
    await storeParts(store, 10);
    await storeParts(store, 10, { fencingEpoch: 2 });
    await storeParts(store, 30, { attempt: 2 });
    await storeCheckpoint(store, 20);
    await sweep(aged(store, 'attempts/1/checkpoints/step-000000010', 300_000));
    const unnamed = async () =>
      (await findUnnamedParts(store, 'run')).parts.map(({ key }) => placeOfKey('run', key)?.step);
    expect(new Set(await unnamed())).toEqual(new Set([10, 30]));
    await sweep(aged(store, 'attempts/1/checkpoints/step-000000010', 700_000));
    expect(new Set(await unnamed())).toEqual(new Set([30]));
    expect((await findNewestValid(store, 'run', open))?.skipped).toEqual([]);
  });

  it('are none where a later manifest names them', async () => {
    const { store } = await startTestStore();
    const old = await storeCheckpoint(store, 10);
    const pinned = { runId: 'run', attempt: 2, fencingEpoch: 2 };
    await pinCheckpoint(store, pinned, 10, two);
    await store.delete((await listCheckpoints(store, 'run', one))[0]?.manifestKey ?? '');
    await storeCheckpoint(store, 20);
    await sweep(aged(store, 'step-000000010', 700_000));
    expect(await store.head(old.shards[0]?.key ?? '')).toBeDefined();
  });
});

describe('checkpoints of the layout before', () => {
  it('are found, loaded and gone back to, and never deleted', async () => {
    const { store } = await startTestStore();
    for (const step of [10, 20, 30]) {
      const [key] = await storeOldLayout(store, step);
      expect(await store.head(key ?? '')).toBeDefined();
    }
    const found = await findNewestValid(store, 'run', { ...open, attempts: one });
    expect(found?.state).toEqual(stateAt(30));
    expect(await pinCheckpoint(store, { ...testLine, attempt: 2 }, 10, later)).toBe(true);
    expect(
      (await listCheckpoints(store, 'run', later)).map(({ step, attempt }) => [step, attempt]),
    ).toEqual([
      [10, 1],
      [10, 2],
    ]);
    await storeCheckpoint(store, 40, { attempt: 2, fencingEpoch: 2 });
    await storeCheckpoint(store, 50, { attempt: 2, fencingEpoch: 2 });
    await applyRetention(
      store,
      'run',
      { keepLast: 1, keepEverySteps: 0 },
      {
        newestVerifiedStep: 50,
        attempts: later,
        fence: async () => undefined,
        logger: silentLogger,
      },
    );
    expect((await listCheckpoints(store, 'run', later)).map(({ step }) => step)).toEqual([10, 50]);
  });

  /** The time at which the second attempt begins is after those objects were stored. */
  const later: Attempts = [
    ...one,
    { attempt: 2, wentBackTo: 10, startedAtMs: Date.now() + 3_600_000 },
  ];

  async function storeOldLayout(store: ObjectStore, step: number): Promise<string[]> {
    const parts = await storeParts(store, step);
    const folder = `runs/run/checkpoints/step-${String(step).padStart(9, '0')}`;
    const moved = async <T extends { readonly key: string }>(part: T): Promise<T> => {
      const key = `${folder}/${part.key.split('.').slice(1).join('.')}`;
      await store.put(key, await store.get(part.key));
      await store.delete(part.key);
      return { ...part, key };
    };
    const shards = await Promise.all(parts.shards.map(moved));
    const ledger = await Promise.all(parts.ledger.map(moved));
    await store.put(
      `${folder}/manifest.json`,
      Buffer.from(JSON.stringify({ ...parts, shards, ledger, format: 'berth-checkpoint/1' })),
    );
    return shards.map(({ key }) => key);
  }
});
