import { silentLogger, type CheckpointManifest } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { planShards } from './plan.ts';
import { findNewestValid } from './read.ts';
import {
  startTestStore,
  stateAt,
  storeCheckpoint,
  testLayout,
  testLine,
  testShardBytes,
} from './testing/fixtures.ts';
import { uploadShard, writeManifest } from './write.ts';

it('a zombie changes no checkpoint with 300 uploads of other states and of older epochs', async () => {
  const { store } = await startTestStore();
  const steps = [3, 6, 9];
  const manifests = new Map<number, CheckpointManifest>();
  for (const step of steps) manifests.set(step, await storeCheckpoint(store, step));
  const shards = planShards(testLayout, testShardBytes);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...steps),
      fc.integer({ min: 0, max: 40 }),
      fc.nat(shards.length - 1),
      async (step, other, index) => {
        fc.pre(other !== step);
        const shard = shards[index];
        const manifest = manifests.get(step);
        if (shard === undefined || manifest === undefined) throw new Error('nothing planned');
        // Its weights are of another step, but it believes and says that they are of this one.
        const part = await uploadShard(store, testLine, shard, { ...stateAt(other), step });
        const forged = {
          ...manifest,
          fencingEpoch: 1,
          weightsDigest: String(other).padStart(64, '0'),
          shards: manifest.shards.map((known, position) => (position === index ? part : known)),
        };
        await expect(writeManifest(store, 1, forged, silentLogger)).rejects.toMatchObject({
          code: 'CHECKPOINT_EXISTS',
        });
      },
    ),
    { numRuns: 300 },
  );
  for (const step of steps) {
    const options = { layout: testLayout, logger: silentLogger, maxStep: step };
    const found = await findNewestValid(store, 'run', options);
    expect(found).toMatchObject({
      manifest: manifests.get(step),
      state: stateAt(step),
      skipped: [],
    });
  }
});
