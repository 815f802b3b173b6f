import { runRecordKey } from '@berth/checkpoint';
import { silentLogger, type ObjectStore } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { recordOf } from '../testing/made-up-run.ts';
import { openBackends } from '../testing/services.ts';
import { RunRecordArchive } from './run-record-archive.ts';

it('keeps a record before anything else, or says soon that the bucket does not take it', async () => {
  const backends = await openBackends();
  const { store } = backends;
  onTestFinished(() => backends.close());
  const away = { is: true };
  const sometimes: ObjectStore = {
    ...store,
    put: (key, body, options) =>
      away.is ? new Promise(() => undefined) : store.put(key, body, options),
  };
  const archive = new RunRecordArchive(sometimes, silentLogger);
  const record = recordOf('kept', {});
  // What is stored beside all the time waits for the bucket, too.
  archive.note([recordOf('other', {})]);
  await expect(archive.keep(record, 50)).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    message: 'The record of run "kept" was not stored within 50 ms',
  });
  expect(await store.head(runRecordKey('kept'))).toBeUndefined();
  away.is = false;
  const later = new RunRecordArchive(sometimes, silentLogger);
  await later.keep(record);
  expect(await store.head(runRecordKey('kept'))).toBeDefined();
});
