import { silentLogger } from '@berth/contracts';
import { expect, it } from 'vitest';
import { manifestKey } from './keys.ts';
import { pinCheckpoint } from './pin.ts';
import { surveyCheckpoints, type ManifestCache } from './survey.ts';
import { startTestStore, storeCheckpoint, storeParts, testLine } from './testing/fixtures.ts';
import { writeManifest } from './write.ts';

it('a survey tells whole checkpoints from those that cannot be used', async () => {
  const { store } = await startTestStore();
  const whole = await storeCheckpoint(store, 1);
  const short = await storeCheckpoint(store, 2);
  await storeCheckpoint(store, 3);
  const pending = await storeParts(store, 4);
  await store.put(manifestKey(testLine, 5), Buffer.from('{}'));
  await store.put(short.shards[0]?.key ?? '', Buffer.from('cut'));
  await store.delete(
    (await surveyCheckpoints(store, 'run', []))[2]?.manifest?.shards[1]?.key ?? '',
  );

  const cache: ManifestCache = new Map();
  const survey = await surveyCheckpoints(store, 'run', [], cache);
  expect(survey.map(({ step, validity }) => [step, validity])).toEqual([
    [1, 'complete'],
    [2, 'corrupt'],
    [3, 'corrupt'],
    [4, 'incomplete'],
    [5, 'corrupt'],
  ]);
  expect(survey[0]).toMatchObject({
    manifest: whole,
    numParts: whole.shards.length,
    sizeBytes: whole.shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  });
  const numParts = pending.shards.length + pending.ledger.length;
  expect(survey[3]).toMatchObject({ manifest: undefined, numParts });
  expect([...cache.keys()]).toEqual([1, 2, 3].map((step) => manifestKey(testLine, step)));

  await writeManifest(store, 1, pending, silentLogger);
  await store.delete(manifestKey(testLine, 1));
  const later = await surveyCheckpoints(store, 'run', [], cache);
  expect(later.map(({ step, validity }) => [step, validity]).slice(0, 4)).toEqual([
    [1, 'incomplete'],
    [2, 'corrupt'],
    [3, 'corrupt'],
    [4, 'complete'],
  ]);
  expect(cache.has(manifestKey(testLine, 1))).toBe(false);
});

it('a survey shows what attempts have left behind', async () => {
  const { store } = await startTestStore();
  for (const step of [1, 2, 3]) await storeCheckpoint(store, step);
  const attempts = [
    { attempt: 1, startedAtMs: 1 },
    { attempt: 2, wentBackTo: 1, startedAtMs: 2 },
  ];
  const looks = async (): Promise<unknown[]> =>
    (await surveyCheckpoints(store, 'run', attempts)).map(
      ({ step, attempt, isLeftBehind, validity }) => [step, attempt, isLeftBehind, validity],
    );
  expect(await looks()).toEqual([
    [1, 1, false, 'complete'],
    [2, 1, true, 'complete'],
    [3, 1, true, 'complete'],
  ]);
  const line = { runId: 'run', attempt: 2, fencingEpoch: 2 };
  expect(await pinCheckpoint(store, line, 1, attempts)).toBe(true);
  await storeCheckpoint(store, 2, { attempt: 2, fencingEpoch: 2 });
  expect(await looks()).toEqual([
    [1, 1, false, 'complete'],
    [2, 1, true, 'complete'],
    [2, 2, false, 'complete'],
    [3, 1, true, 'complete'],
  ]);
});
