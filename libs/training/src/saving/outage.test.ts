import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findNewestManifest } from '@berth/checkpoint';
import { BerthError, silentLogger, stateDigest, type RunRecord } from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import {
  closedGate,
  cursor,
  saverOf,
  stateAt,
  storeAway,
  testStore,
  viewOf,
} from '../testing/test-saver.ts';
import type { PendingSave } from './saver-options.ts';
import { Spool } from './spool.ts';

const wentBack = { ...newAttempt(2, 5, 0), wentBackTo: 5 };

describe('an outage of the bucket', () => {
  it('saves the newest state after an outage and skips those between', async () => {
    const gate = closedGate();
    const store = await testStore(gate);
    const saved: number[] = [];
    const saver = saverOf('a', store, { saved });
    for (const step of [10, 20, 30, 40]) saver.save(viewOf('a'), stateAt(step), cursor);
    gate.open();
    await saver.settled();
    expect(saved).toEqual([10, 40]);
    expect((await saver.load(40)).weights).toEqual(stateAt(40).weights);
  });

  it('tells of a failed save once and saves the next one', async () => {
    const refusal = new BerthError('STORE_UNREACHABLE', 'the bucket is away');
    const gate = { pass: (): Promise<void> => Promise.reject(refusal) };
    const tried: (string | undefined)[] = [];
    const saver = saverOf('a', await testStore(gate), { tried });
    saver.save(viewOf('a'), stateAt(10), cursor);
    await expect(saver.settled()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    gate.pass = () => Promise.resolve();
    saver.save(viewOf('a'), stateAt(20), cursor);
    await saver.settled();
    expect(tried).toEqual(['STORE_UNREACHABLE', undefined]);
    expect(await saver.newestStep(100)).toBe(20);
  });

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
});
