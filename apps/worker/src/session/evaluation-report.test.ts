import {
  BerthError,
  sha256Hex,
  silentLogger,
  type LabelledDataset,
  type ObjectStore,
} from '@berth/contracts';
import { packHeldOutRows } from '@berth/data';
import { expect, it } from 'vitest';
import { reportMeterOf, storeInTime } from './evaluation-report.ts';

it('the last report of a run is waited for through an outage, until the run is left', async () => {
  const ended = new AbortController();
  let numTries = 0;
  const put = async (): Promise<void> => {
    numTries += 1;
    if (numTries < 3) throw new BerthError('STORE_UNREACHABLE', 'away');
  };
  await storeInTime(put, { isLast: true, signal: ended.signal, logger: silentLogger });
  expect(numTries).toBe(3);

  const never = async (): Promise<void> => {
    ended.abort();
    throw new BerthError('STORE_UNREACHABLE', 'away');
  };
  await storeInTime(never, { isLast: true, signal: ended.signal, logger: silentLogger });
});

it('held-out rows that are gone or damaged are asked for like a shard', async () => {
  const row = { place: { path: 'rows', at: 'line 1' }, texts: ['a'] };
  const sound = await packHeldOutRows([row]);
  const part = { key: 'rows', sizeBytes: sound.length, sha256: sha256Hex(sound) };
  let held: Uint8Array | undefined = sound.map((byte) => byte ^ 1);
  let numForgotten = 0;
  const store = {
    async get() {
      if (held === undefined) throw new BerthError('STORE_NOT_FOUND', 'rows');
      return held;
    },
    delete: async () => void (held = undefined),
  } as Partial<ObjectStore> as ObjectStore;
  const open = reportMeterOf({
    store,
    index: {
      // Whoever supplies examples sees that their shard is missing, and has both made.
      async forget() {
        expect(held).toBeUndefined();
        if (++numForgotten === 2) held = sound;
      },
    },
    dataset: { fineTuning: { kind: 'regress' }, heldOutRows: part } as LabelledDataset,
    task: undefined,
    timeoutMs: 300_000,
    logger: silentLogger,
  });
  const { signal } = new AbortController();
  expect((await open(signal)).report().numExamples).toBe(0);
  expect(numForgotten).toBe(2);
});
