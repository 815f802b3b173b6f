import { silentLogger } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { copyCheckpoint } from './copy-checkpoint.ts';
import { manifestKey } from './keys.ts';
import { listCheckpoints, readManifest } from './manifest.ts';
import { loadCheckpoint } from './read.ts';
import { storedLedger } from './stored-ledger.ts';
import {
  ledgerUpTo,
  startTestStore,
  stateAt,
  storeCheckpoint,
  testLayout,
  testLine,
} from './testing/fixtures.ts';

const target = { runId: 'fork', trainingHash: 'other' };
const source = manifestKey(testLine, 3);
const copied = manifestKey({ ...testLine, runId: 'fork' }, 3);
const options = (deadlineMs = Infinity) => ({ deadlineMs, logger: silentLogger });

describe('a copied checkpoint', () => {
  it('is the first of another run, with its state and its ledger', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    expect(await copyCheckpoint(store, source, target, options())).toMatchObject({ isDone: true });
    for (const { key } of await store.list('runs/run/')) await store.delete(key);
    const { manifest, state } = await loadCheckpoint(store, copied, testLayout);
    expect(manifest).toMatchObject({ ...target, step: 3, fencingEpoch: 1 });
    expect(state).toEqual(stateAt(3));
    const entries = [];
    for await (const page of storedLedger(store, manifest).entries(0)) entries.push(...page);
    expect(entries).toEqual(ledgerUpTo(3));
  });

  it('is not there until all of it is, and is made in as many turns as it takes', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    const { shards } = await readManifest(store, source);
    const late = options(performance.now());
    const first = await copyCheckpoint(store, source, target, late);
    expect(first).toEqual({ isDone: false, numPartsToGo: shards.length - 1 });
    expect(await listCheckpoints(store, 'fork')).toEqual([]);
    expect(await copyCheckpoint(store, source, target, options())).toMatchObject({ isDone: true });
    expect(await copyCheckpoint(store, source, target, options())).toMatchObject({ isDone: true });
    expect(await listCheckpoints(store, 'fork')).toHaveLength(1);
  });

  it('is refused when a part is damaged, or the run has one with other settings', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    await copyCheckpoint(store, source, target, options());
    await expect(
      copyCheckpoint(store, source, { ...target, trainingHash: 'third' }, options()),
    ).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_EXISTS' }));
    const [shard] = (await readManifest(store, source)).shards;
    const bytes = Uint8Array.from(await store.get(shard!.key));
    bytes[bytes.length - 1]! ^= 1;
    await store.put(shard!.key, bytes);
    await expect(
      copyCheckpoint(store, source, { ...target, runId: 'third' }, options()),
    ).rejects.toThrow(expect.objectContaining({ code: 'CHECKPOINT_CORRUPT' }));
  });
});
