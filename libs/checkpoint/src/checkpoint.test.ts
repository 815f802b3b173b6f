import { appendFile, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { silentLogger, stateDigest, type CheckpointManifest, type Logger } from '@berth/contracts';
import { startHttpProxy } from '@berth/faults';
import { describe, expect, it, onTestFinished } from 'vitest';
import { applyRetention } from './apply-retention.ts';
import { manifestKey } from './keys.ts';
import { encodeManifest, listCheckpoints } from './manifest.ts';
import { findNewestManifest } from './newest-manifest.ts';
import { planShards } from './plan.ts';
import { findNewestValid, loadCheckpoint } from './read.ts';
import {
  layoutOf,
  openTestStore,
  startTestStore,
  stateAt,
  storeCheckpoint,
  storeParts,
  testLayout,
  testLine,
  testShardBytes,
} from './testing/fixtures.ts';
import { encodeShard, uploadShard, writeManifest } from './write.ts';

const options = { layout: testLayout, logger: silentLogger };

function withCode(code: string): unknown {
  return expect.objectContaining({ code });
}

function firstShard(manifest: CheckpointManifest): string {
  return manifest.shards[0]?.key ?? '';
}

describe('a checkpoint', () => {
  it('is loaded to the bit', async () => {
    const { store } = await startTestStore();
    const manifest = await storeCheckpoint(store, 3);
    expect(manifest.shards.length).toBeGreaterThan(3);
    const loaded = await loadCheckpoint(store, manifestKey(testLine, 3), testLayout);
    expect(loaded).toEqual({ manifest, state: stateAt(3) });
  });

  it('exists only once its manifest does', async () => {
    const { store } = await startTestStore();
    const manifest = await storeParts(store, 3);
    expect(await listCheckpoints(store, 'run')).toEqual([]);
    expect(await findNewestValid(store, 'run', options)).toBeUndefined();
    await writeManifest(store, 1, manifest, silentLogger);
    const listed = [{ step: 3, manifestKey: manifestKey(testLine, 3) }];
    expect(await listCheckpoints(store, 'run')).toMatchObject(listed);
  });

  it('has the same bytes and names whoever writes it', async () => {
    const { store } = await startTestStore();
    const [shard] = planShards(testLayout, testShardBytes);
    if (!shard) throw new Error('no shard planned');
    expect(encodeShard(shard, stateAt(3))).toEqual(encodeShard(shard, stateAt(3)));
    const first = await uploadShard(store, testLine, shard, stateAt(3));
    expect(await uploadShard(store, testLine, shard, stateAt(3))).toEqual(first);
    expect(first.key).toMatch(
      /^runs\/run\/attempts\/1\/checkpoints\/step-000000003\/000000000000001\.weights-0-[0-9a-f]{16}\.safetensors$/,
    );
    expect(await uploadShard(store, testLine, shard, stateAt(4))).not.toMatchObject({
      key: first.key,
    });
  });

  it('of another model is refused, not passed over', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    const shapes = testLayout.map(({ name, shape }): [string, number[]] => [name, [...shape]]);
    const others = [
      layoutOf([...shapes, ['extra', [2]]]),
      layoutOf(shapes.slice(1)),
      layoutOf(shapes.map(([name, shape]) => [name, shape.toReversed()])),
    ];
    for (const layout of others) {
      await expect(findNewestValid(store, 'run', { ...options, layout })).rejects.toThrow(
        withCode('CHECKPOINT_MISMATCH'),
      );
    }
  });
});

describe('writeManifest', () => {
  it('of the same state by the same line finds it written', async () => {
    const { store } = await startTestStore();
    expect(await writeManifest(store, 1, await storeParts(store, 3), silentLogger)).toBe('written');
    const replayed = { ...(await storeParts(store, 3)), createdAtMs: 2 };
    expect(await writeManifest(store, 1, replayed, silentLogger)).toBe('exists');
    const { manifest } = await loadCheckpoint(store, manifestKey(testLine, 3), testLayout);
    expect(manifest.createdAtMs).toBe(1);
  });

  it('lets every line have its own, of which any that verifies is loaded', async () => {
    const { store, folder } = await startTestStore();
    await storeCheckpoint(store, 3);
    await storeCheckpoint(store, 3, { fencingEpoch: 2 });
    const latest = await storeCheckpoint(store, 3, { attempt: 2, fencingEpoch: 3 });
    expect(
      (await listCheckpoints(store, 'run')).map(({ attempt, fencingEpoch }) => [
        attempt,
        fencingEpoch,
      ]),
    ).toEqual([
      [1, 1],
      [1, 2],
      [2, 3],
    ]);
    await truncate(join(folder, firstShard(latest)));
    const found = await findNewestValid(store, 'run', options);
    expect(found?.manifest.fencingEpoch).toBe(2);
    expect(found?.state).toEqual(stateAt(3));
  });

  it('of another state is refused', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    const state = { ...stateAt(3), weights: stateAt(4).weights };
    const other = await storeParts(store, 3, { state });
    await expect(writeManifest(store, 1, other, silentLogger)).rejects.toThrow(
      withCode('CHECKPOINT_EXISTS'),
    );
  });

  it.each(['ignores', 'does not know'])(
    'of another state is refused also where the service %s conditions',
    async (how) => {
      const { store, endpoint } = await startTestStore();
      const proxy = await startHttpProxy(endpoint, ({ headers, url = '' }) => {
        if (headers['if-none-match'] === undefined) return 'pass';
        if (how === 'does not know') return { status: 501, code: 'NotImplemented' };
        return { after: () => store.delete(url.replace('/box/team/', '')) };
      });
      onTestFinished(() => proxy.close());
      const unconditional = openTestStore(proxy.url);
      const manifest = await storeParts(store, 3);
      expect(await writeManifest(unconditional, 1, manifest, silentLogger)).toBe('written');
      expect(await writeManifest(unconditional, 1, manifest, silentLogger)).toBe('exists');
      const state = { ...stateAt(3), weights: stateAt(4).weights };
      const other = await storeParts(store, 3, { state });
      await expect(writeManifest(unconditional, 1, other, silentLogger)).rejects.toThrow(
        withCode('CHECKPOINT_EXISTS'),
      );
      expect((await findNewestValid(store, 'run', options))?.state).toEqual(stateAt(3));
    },
  );

  it('of an earlier release is read, and found to be the same', async () => {
    const { store } = await startTestStore();
    const manifest = await storeParts(store, 3);
    const old = { ...manifest, format: 'berth-checkpoint/1' };
    await store.put(manifestKey(testLine, 3), Buffer.from(JSON.stringify(old)));
    expect((await findNewestValid(store, 'run', options))?.manifest).toEqual(old);
    expect(await writeManifest(store, 1, manifest, silentLogger)).toBe('exists');
  });

  it('of twenty racing writers of two states lets one state win', async () => {
    const { store } = await startTestStore();
    const state = { ...stateAt(3), weights: stateAt(4).weights };
    const ours = await storeParts(store, 3);
    const theirs = await storeParts(store, 3, { state });
    const race = await Promise.allSettled(
      Array.from({ length: 20 }, (_, racer) =>
        writeManifest(
          store,
          1,
          { ...(racer % 2 === 0 ? ours : theirs), createdAtMs: racer + 1 },
          silentLogger,
        ),
      ),
    );
    const outcomes = race.map((result) =>
      result.status === 'fulfilled' ? result.value : (result.reason as { code: string }).code,
    );
    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(9);
    expect(outcomes.filter((outcome) => outcome === 'CHECKPOINT_EXISTS')).toHaveLength(10);
    await loadCheckpoint(store, manifestKey(testLine, 3), testLayout);
  });

  it('replaces a manifest that is damaged, so that a replay heals the step', async () => {
    const { store, folder } = await startTestStore();
    const manifest = await storeCheckpoint(store, 3);
    await writeFile(join(folder, manifestKey(testLine, 3)), '');
    await expect(findNewestValid(store, 'run', options)).rejects.toThrow(
      withCode('CHECKPOINT_CORRUPT'),
    );
    expect(await writeManifest(store, 1, manifest, silentLogger)).toBe('written');
    expect((await findNewestValid(store, 'run', options))?.manifest).toEqual(manifest);
  });
});

describe('findNewestValid', () => {
  it('takes the newest, or the newest up to a step', async () => {
    const { store } = await startTestStore();
    for (const step of [3, 12, 100]) await storeCheckpoint(store, step);
    expect((await findNewestValid(store, 'run', options))?.manifest.step).toBe(100);
    const older = await findNewestValid(store, 'run', { ...options, maxStep: 99 });
    expect(older?.manifest.step).toBe(12);
    expect(await findNewestValid(store, 'run', { ...options, maxStep: 2 })).toBeUndefined();
  });

  const damages: [string, (folder: string, manifest: CheckpointManifest) => Promise<unknown>][] = [
    ['a missing manifest', (folder) => rm(join(folder, manifestKey(testLine, 6)))],
    ['an empty manifest', (folder) => truncate(join(folder, manifestKey(testLine, 6)))],
    ['half a manifest', (folder) => truncate(join(folder, manifestKey(testLine, 6)), 700)],
    ['a missing shard', (folder, manifest) => rm(join(folder, firstShard(manifest)))],
    ['an empty shard', (folder, manifest) => truncate(join(folder, firstShard(manifest)))],
    ['half a shard', (folder, manifest) => truncate(join(folder, firstShard(manifest)), 100)],
    ['a longer shard', (folder, manifest) => appendFile(join(folder, firstShard(manifest)), '!')],
    [
      'a flipped bit in a shard',
      (folder, manifest) => flipBits(join(folder, firstShard(manifest)), 900, 4),
    ],
    ['a missing ledger', (folder, manifest) => rm(join(folder, manifest.ledger[0]?.key ?? ''))],
    [
      'a flipped bit in the ledger',
      (folder, manifest) => flipBits(join(folder, manifest.ledger[0]?.key ?? ''), 99, 4),
    ],
  ];

  it.each(damages)('falls back from %s to the one before, and says so', async (name, damage) => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (message) => void warnings.push(message) };
    const { store, folder } = await startTestStore();
    await storeCheckpoint(store, 3);
    await damage(folder, await storeCheckpoint(store, 6));
    const found = await findNewestValid(store, 'run', { ...options, logger });
    expect(found?.state).toEqual(stateAt(3));
    const isListed = name !== 'a missing manifest';
    expect(found?.skipped.map(({ step }) => step)).toEqual(isListed ? [6] : []);
    expect(warnings).toEqual(isListed ? ['skipping a damaged checkpoint'] : []);
  });

  it('never loads a checkpoint other than it was written, whatever byte of its files changes', async () => {
    const { store, folder } = await startTestStore();
    await storeCheckpoint(store, 3);
    const manifest = await storeCheckpoint(store, 6);
    const keys = [manifestKey(testLine, 6), ...manifest.shards.map(({ key }) => key)];
    const mask = fc.integer({ min: 1, max: 255 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...keys), fc.nat(), mask, async (key, at, bits) => {
        const path = join(folder, key);
        const intact = await readFile(path);
        await flipBits(path, at, bits);
        const found = await findNewestValid(store, 'run', options);
        await writeFile(path, intact);
        const sound = { 3: stateAt(3), 6: stateAt(6) }[found?.manifest.step ?? 0];
        expect(found?.state).toEqual(sound);
      }),
      { numRuns: 50 },
    );
  });

  it('falls back from a manifest that no longer fits the checksum the store kept', async () => {
    const { store, folder } = await startTestStore();
    await storeCheckpoint(store, 3);
    await storeCheckpoint(store, 6);
    const path = join(folder, manifestKey(testLine, 6));
    const { atime, mtime } = await stat(path);
    await writeFile(path, (await readFile(path, 'utf8')).replace('"seed": 1', '"seed": 2'));
    await utimes(path, atime, mtime);
    const found = await findNewestValid(store, 'run', options);
    expect(found?.manifest.step).toBe(3);
    expect(found?.skipped[0]?.reason).toContain('checksum');
  });

  it('names every damaged checkpoint when none is left', async () => {
    const { store, folder } = await startTestStore();
    for (const step of [3, 6]) {
      const manifest = await storeCheckpoint(store, step);
      await truncate(join(folder, firstShard(manifest)));
    }
    await expect(findNewestValid(store, 'run', options)).rejects.toThrow(
      /None of the 2 checkpoints of run run .*step 6: .*step 3: /,
    );
  });

  it('does not take an unreachable store for damage', async () => {
    const { store } = await startTestStore();
    await storeCheckpoint(store, 3);
    const get = store.get.bind(store);
    const failing = {
      ...store,
      get: (key: string) => (key.endsWith('.json') ? get(key) : Promise.reject(new Error('down'))),
    };
    await expect(findNewestValid(failing, 'run', options)).rejects.toThrow('down');
  });
});

describe('the digest of the state', () => {
  it('covers moments too: parts of two histories are no checkpoint', async () => {
    const { store } = await startTestStore();
    const sound = { ...(await storeParts(store, 3)), stateDigest: stateDigest(stateAt(3)) };
    await writeManifest(store, 1, sound, silentLogger);
    const others = stateAt(6);
    new Uint32Array(others.secondMoments.buffer)[2]! ^= 1;
    const mixed = { ...(await storeParts(store, 6)), stateDigest: stateDigest(others) };
    await writeManifest(store, 1, mixed, silentLogger);
    const found = await findNewestValid(store, 'run', options);
    expect(found?.manifest.step).toBe(3);
    expect(found?.skipped).toMatchObject([
      { step: 6, reason: expect.stringContaining('digest of the state') as string },
    ]);
  });
});

describe('findNewestManifest', () => {
  it('passes over damaged manifests only', async () => {
    const { store, folder } = await startTestStore();
    expect(await findNewestManifest(store, 'run', options)).toBeUndefined();
    const manifest = await storeCheckpoint(store, 3);
    await storeCheckpoint(store, 6);
    await truncate(join(folder, manifestKey(testLine, 6)));
    const expected = { manifest, manifestKey: manifestKey(testLine, 3) };
    expect(await findNewestManifest(store, 'run', options)).toEqual(expected);
    expect(await findNewestManifest(store, 'run', { ...options, maxStep: 2 })).toBeUndefined();
    const refusing = { ...store, get: () => Promise.reject(new Error('refused')) };
    await expect(findNewestManifest(refusing, 'run', options)).rejects.toThrow('refused');
  });
});

describe('applyRetention', () => {
  const policy = { keepLast: 1, keepEverySteps: 0 };
  const attempts = [{ attempt: 1, startedAtMs: 1 }];
  const ofOneAttempt = { attempts, fence: async () => undefined, logger: silentLogger };

  it('deletes old checkpoints whole, and keeps what the others need', async () => {
    const { store } = await startTestStore();
    const old = await storeCheckpoint(store, 3);
    const manifest = await storeParts(store, 6);
    const shared = { ...manifest, ledger: manifest.ledger.concat(old.ledger) };
    await store.put(manifestKey(testLine, 6), encodeManifest(shared));
    const decision = await applyRetention(store, 'run', policy, {
      newestVerifiedStep: 6,
      ...ofOneAttempt,
    });
    expect(decision.delete).toEqual([3]);
    const left = (await store.list('runs/run/')).map(({ key }) => key);
    const needed = [...shared.shards, ...shared.ledger].map(({ key }) => key);
    expect(left.sort()).toEqual([manifestKey(testLine, 6), ...needed].sort());
  });

  it('deletes the manifest before its parts', async () => {
    const { store } = await startTestStore();
    for (const step of [3, 6]) await storeCheckpoint(store, step);
    const deleted: string[] = [];
    const watched = {
      ...store,
      delete: (key: string) => {
        deleted.push(key);
        return store.delete(key);
      },
    };
    await applyRetention(watched, 'run', policy, { newestVerifiedStep: 6, ...ofOneAttempt });
    expect(deleted[0]).toBe(manifestKey(testLine, 3));
    expect(deleted.length).toBeGreaterThan(3);
  });

  it('leaves something to resume from when newer checkpoints are damaged', async () => {
    const { store, folder } = await startTestStore();
    for (const step of [3, 6]) await storeCheckpoint(store, step);
    const broken = await storeCheckpoint(store, 9);
    await truncate(join(folder, firstShard(broken)));
    const found = await findNewestValid(store, 'run', options);
    await applyRetention(store, 'run', policy, {
      newestVerifiedStep: found?.manifest.step,
      ...ofOneAttempt,
    });
    expect((await findNewestValid(store, 'run', options))?.manifest.step).toBe(6);
  });
});

async function flipBits(path: string, at: number, bits: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ bits;
  await writeFile(path, bytes);
}
