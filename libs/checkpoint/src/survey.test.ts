import { silentLogger } from '@berth/contracts';
import { expect, it } from 'vitest';
import { abandonCheckpoints } from './branch.ts';
import { abandonedManifestKey, manifestKey } from './keys.ts';
import { surveyCheckpoints, type ManifestCache } from './survey.ts';
import { startTestStore, storeCheckpoint, storeParts } from './test-support.ts';
import { writeManifest } from './write.ts';

it('a survey tells whole checkpoints from those that cannot be used', async () => {
  const { store } = await startTestStore();
  const whole = await storeCheckpoint(store, 1);
  const short = await storeCheckpoint(store, 2);
  await storeCheckpoint(store, 3);
  const pending = await storeParts(store, 4);
  await store.put(manifestKey('run', 5), Buffer.from('{}'));
  await store.put(short.shards[0]?.key ?? '', Buffer.from('cut'));
  await store.delete((await surveyCheckpoints(store, 'run'))[2]?.manifest?.shards[1]?.key ?? '');

  const cache: ManifestCache = new Map();
  const survey = await surveyCheckpoints(store, 'run', cache);
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
  expect(survey[3]).toMatchObject({ manifest: undefined, numParts: pending.shards.length });
  expect([...cache.keys()]).toEqual([1, 2, 3].map((step) => manifestKey('run', step)));

  await writeManifest(store, pending, silentLogger);
  await store.delete(manifestKey('run', 1));
  const later = await surveyCheckpoints(store, 'run', cache);
  expect(later.map(({ step, validity }) => [step, validity]).slice(0, 4)).toEqual([
    [1, 'incomplete'],
    [2, 'corrupt'],
    [3, 'corrupt'],
    [4, 'complete'],
  ]);
  expect(cache.has(manifestKey('run', 1))).toBe(false);
});

it('a survey shows what attempts have left behind, and not its parts as unfinished checkpoints', async () => {
  const { store } = await startTestStore();
  for (const step of [1, 2, 3]) await storeCheckpoint(store, step);
  await abandonCheckpoints(store, 'run', { attempt: 1, afterStep: 1 });
  const looks = async (): Promise<unknown[]> =>
    (await surveyCheckpoints(store, 'run')).map(({ step, abandonedAttempt, validity }) => [
      step,
      abandonedAttempt,
      validity,
    ]);
  expect(await looks()).toEqual([
    [1, undefined, 'complete'],
    [2, 1, 'complete'],
    [3, 1, 'complete'],
  ]);
  // The new line saves the step too; retention has taken parts of the old one.
  await storeCheckpoint(store, 2);
  await store.put(abandonedManifestKey('run', 1, 3), Buffer.from('{}'));
  expect(await looks()).toEqual([
    [1, undefined, 'complete'],
    [2, 1, 'complete'],
    [2, undefined, 'complete'],
    [3, 1, 'corrupt'],
    [3, undefined, 'incomplete'],
  ]);
});
