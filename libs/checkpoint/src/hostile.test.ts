import {
  sha256Hex,
  silentLogger,
  type CheckpointManifest,
  type ObjectStore,
} from '@berth/contracts';
import { expect, it } from 'vitest';
import { readBranch, storeBranchLedger, writeBranch } from './branch.ts';
import { manifestKey, shardKey } from './keys.ts';
import { findNewestValid } from './read.ts';
import {
  ledgerUpTo,
  startTestStore,
  stateAt,
  storeCheckpoint,
  storeParts,
  testLayout,
  testLine,
} from './testing/fixtures.ts';
import { writeManifest } from './write.ts';

const options = { layout: testLayout, logger: silentLogger };

/** Stores step 3 as it should be, and step 6 with a manifest that says something else. */
async function storeForged(
  store: ObjectStore,
  forge: (manifest: CheckpointManifest) => Promise<CheckpointManifest>,
): Promise<void> {
  await storeCheckpoint(store, 3);
  await writeManifest(store, 1, await forge(await storeParts(store, 6)), silentLogger);
}

/** A manifest whose first shard is this file, with its true size and digest. */
async function withShard(
  store: ObjectStore,
  manifest: CheckpointManifest,
  file: Uint8Array,
): Promise<CheckpointManifest> {
  const [first, ...others] = manifest.shards;
  if (first === undefined) throw new Error('no shard');
  const sha256 = sha256Hex(file);
  const key = shardKey(testLine, 6, { ...first, sha256 });
  await store.put(key, file);
  return { ...manifest, shards: [{ ...first, key, sha256, sizeBytes: file.length }, ...others] };
}

function fileWithHeader(header: string): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header)]);
}

function nested(depth: number): string {
  return `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
}

const manyTensors = Array.from(
  { length: 20_000 },
  (_, index) => `"t${index}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`,
);

it.each([
  ['nested 400,000 deep', fileWithHeader(nested(400_000))],
  ['nested a little too deep', fileWithHeader('{"a":{"b":{"c":[]}}}')],
  ['of one long string', fileWithHeader(`{"__metadata__":{"a":"${'\\n'.repeat(500_000)}"}}`)],
  ['of a long string over its limit', fileWithHeader(`{"a":"${'x'.repeat(5_000_000)}"}`)],
  ['of 20,000 tensors of nothing', fileWithHeader(`{${manyTensors.join()}}`)],
  ['that is not UTF-8', fileWithHeader('{"a"}').fill(255, 9, 10)],
])('falls back from a shard with the right digest and a header %s', async (_, file) => {
  const { store } = await startTestStore();
  await storeForged(store, (manifest) => withShard(store, manifest, file));
  const found = await findNewestValid(store, 'run', options);
  expect(found?.state).toEqual(stateAt(3));
  expect(found?.skipped).toMatchObject([{ step: 6 }]);
});

it.each([
  ['of another run', 'runs/other/attempts/1/checkpoints/step-000000006/000000000000001.a'],
  ['of a run whose name begins alike', 'runs/run-2/a.safetensors'],
  ['beside the runs', 'run-records/run.json'],
  ['that leads out of the run', 'runs/run/../other/a.safetensors'],
  ['of no name', 'runs/run/'],
])('asks for no key %s, whatever a manifest names', async (_, key) => {
  const { store } = await startTestStore();
  await store.put(key, Buffer.from('x'));
  const asked: string[] = [];
  const watched: ObjectStore = {
    ...store,
    get: (name, how) => {
      asked.push(name);
      return store.get(name, how);
    },
    head: (name) => {
      asked.push(name);
      return store.head(name);
    },
  };
  for (const part of ['shards', 'ledger'] as const) {
    await storeForged(store, async (manifest) => {
      const [first, ...others] = manifest[part];
      return { ...manifest, [part]: [{ ...first, key }, ...others] };
    });
    const found = await findNewestValid(watched, 'run', options);
    expect(found?.manifest.step).toBe(3);
    expect(found?.skipped[0]?.reason).toContain(`names ${key}`);
    await store.delete(manifestKey(testLine, 6));
  }
  expect(asked).not.toContain(key);
});

it('takes no part into memory that is larger than the manifest says, or than the model can be', async () => {
  const { store } = await startTestStore();
  const large = Buffer.alloc(3 * 2 ** 20);
  await storeForged(store, (manifest) => withShard(store, manifest, large));
  expect((await findNewestValid(store, 'run', options))?.skipped[0]?.reason).toContain('at most');
  await store.delete(manifestKey(testLine, 6));
  await storeForged(store, async (manifest) => {
    const forged = await withShard(store, manifest, large);
    const [first, ...others] = forged.shards;
    return { ...forged, shards: [{ ...first!, sizeBytes: 300 }, ...others] };
  });
  expect((await findNewestValid(store, 'run', options))?.skipped[0]?.reason).toContain(
    'more than the 300',
  );
});

it('begins a branch again whose file is cut off, names another run, or does not fit its checksum', async () => {
  const { store } = await startTestStore();
  const identity = { runId: 'run', attempt: 1, askedAtMs: 3, fromStep: 0 };
  const ledger = await storeBranchLedger(store, identity, async (from, to) =>
    ledgerUpTo(9).slice(from, to),
  );
  const branch = { ...identity, fencingEpoch: 1, viewVersion: 1, ledger };
  await writeBranch(store, { format: 'berth-branch/2', ...branch });
  const key = 'runs/run/abandoned/attempt-1/branch.json';
  const text = Buffer.from(await store.get(key)).toString();
  expect(await readBranch(store, 'run', 1)).toMatchObject(identity);
  for (const damaged of [
    text.slice(0, text.length / 2),
    text.replace('"runId": "run"', '"runId": "other"'),
    text.replace('runs/run/', 'runs/other/'),
    '['.repeat(300_000) + ']'.repeat(300_000),
    '',
  ]) {
    await store.put(key, Buffer.from(damaged));
    expect(await readBranch(store, 'run', 1)).toBeUndefined();
  }

  // Its entries are damaged: those that Redis has are stored again.
  const [segment] = ledger;
  await store.put(segment?.key ?? '', Buffer.from('{"step": 4'));
  const again = await storeBranchLedger(store, identity, async (from, to) =>
    ledgerUpTo(9).slice(from, to),
  );
  expect(again).toEqual(ledger);
});
