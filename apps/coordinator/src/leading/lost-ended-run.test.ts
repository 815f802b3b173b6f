import { silentLogger } from '@berth/contracts';
import { createJobProducer } from '@berth/queue/jobs';
import { createRuns } from '@berth/queue';
import { endAttempt, newAttempt } from '@berth/protocol';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createRunService } from '../runs/run-service.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends } from '../testing/services.ts';
import { runController } from './controller.ts';
import { RunRecordArchive } from './run-record-archive.ts';

it('tells of a run that has ended how far it came, after Redis was emptied', async () => {
  const backends = await openBackends();
  const { connection, store, services } = backends;
  const jobs = await createJobProducer(services.redisUrl);
  const ending = new AbortController();
  const attempts = endAttempt([newAttempt(1, 0, 1)], { nowMs: 2, step: 4, reason: 'trained' });
  const record = recordOf('r', { status: 'completed', attempts });
  await new RunRecordArchive(store, silentLogger).keep(record);
  const entries = entriesOf(4, { fencingEpoch: 1, viewVersion: 1 });
  await storeCheckpoint(store, 'r', entries.slice(0, 2));
  await storeCheckpoint(store, 'r', entries);

  const options = { coordinatorId: 'c', connection, store, jobs, logger: silentLogger };
  const running = runController(options, ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await running;
    await jobs.close();
    await backends.close();
  });
  await waitFor(() => createRuns(connection).read('r'), { what: 'the record' });
  const runs = createRunService(connection, store);
  expect((await runs.list()).map(({ step }) => step)).toEqual([4]);
  const report = await waitFor(
    async () => {
      const told = await runs.report('r');
      return told.checkpointStep === 4 && told;
    },
    { what: 'the newest checkpoint' },
  );
  expect(report).toMatchObject({ step: 4, run: { status: 'completed' } });
});
