import {
  findNewestManifest,
  findUnnamedParts,
  listCheckpoints,
  manifestKey,
  readManifest,
} from '@berth/checkpoint';
import { silentLogger, stateDigest, type ObjectStore } from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { runRecord } from '@berth/protocol/testing';
import { describe, expect, it } from 'vitest';
import { closedGate, cursor, saverOf, stateAt, testStore, viewOf } from './testing/test-saver.ts';

describe('createCheckpointSaver', () => {
  it('saves nothing once another attempt has begun', async () => {
    const store = await testStore();
    const saved: number[] = [];
    const next = { attempts: [newAttempt(1, 0, 0), newAttempt(2, 5, 0)] };
    const saver = saverOf('a', store, { saved, current: (record) => ({ ...record, ...next }) });
    saver.save(viewOf('a'), stateAt(10), cursor);
    await expect(saver.settled()).rejects.toMatchObject({ code: 'WORKER_FENCED' });
    expect(saved).toEqual([]);
    expect(await saver.newestStep(100)).toBeUndefined();
  });

  it('says in the manifest which state it is of', async () => {
    const store = await testStore();
    const saver = saverOf('a', store);
    saver.save(viewOf('a'), stateAt(10), cursor);
    await saver.settled();
    const found = await findNewestManifest(store, 'run', { logger: silentLogger });
    expect(found?.manifest.stateDigest).toBe(stateDigest(stateAt(10)));
  });

  it('never says that there is no checkpoint when only the ledger ends before them, unless none is needed', async () => {
    const store = await testStore();
    const saver = saverOf('a', store);
    expect(await saver.newestStep(25)).toBeUndefined();
    for (const step of [30, 40]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      await saver.settled();
    }
    await expect(saver.newestStep(25)).rejects.toMatchObject({ code: 'LEDGER_BEHIND' });
    expect(await saver.newestStep(30)).toBe(30);
    // Who holds step 30 needs none.
    expect(await saver.newestStep(35, 31)).toBeUndefined();
    expect(await saver.newestStep(50, 31)).toBe(40);
    const { manifest } = (await findNewestManifest(store, 'run', { logger: silentLogger }))!;
    for (const { key } of manifest.shards) await store.delete(key);
    expect(await saver.newestStep(50, 31)).toBeUndefined();
  });

  it('fetches what it has proven once, and keeps it no longer than until the next save', async () => {
    const store = await testStore();
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
    const store = await testStore();
    const saver = saverOf('a', store);
    const segments: string[][] = [];
    for (const step of [100, 200, 9_000, 9_100, 9_200]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      await saver.settled();
      const { ledger: named } = await readManifest(
        store,
        manifestKey({ runId: 'run', attempt: 1, fencingEpoch: 1 }, step),
      );
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
    expect(stored.length).toBe(2 + runRecord('run').config.train.keepLast);
  });

  it('lets memory be used again, never that of a state on its way', async () => {
    const gate = closedGate();
    const store = await testStore(gate);
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
    gate.open();
    await saver.settled();
    expect(saved).toEqual([10, 30]);
    for (const step of saved)
      expect((await saver.load(step)).weights).toEqual(stateAt(step).weights);
    expect(memories).toContain(saver.memory().weights);
  });

  it('ends with its session: what it has not stored by then it never will', async () => {
    const gate = closedGate();
    const store = await testStore(gate);
    const saver = saverOf('a', store);
    saver.save(viewOf('a'), stateAt(10), cursor);
    saver.save(viewOf('a'), stateAt(20), cursor);
    await gate.reached;
    const closed = saver.close();
    gate.open();
    await closed;
    expect(await store.list('')).toEqual([]);
  });

  it('completes the deletions under way when its session ends', async () => {
    const store = await testStore();
    const gate = closedGate();
    const slow: ObjectStore = {
      ...store,
      async delete(key, options) {
        await gate.pass();
        await store.delete(key, options);
      },
    };
    const saver = saverOf('a', slow);
    for (const step of [10, 20, 30, 40]) {
      saver.save(viewOf('a'), stateAt(step), cursor);
      if (step < 40) await saver.settled();
    }
    await gate.reached;
    const closed = saver.close();
    gate.open();
    await closed;
    const { parts } = await findUnnamedParts(store, 'run');
    expect(parts).toEqual([]);
    expect((await listCheckpoints(store, 'run')).map(({ step }) => step)).toEqual([20, 30, 40]);
  });
});
