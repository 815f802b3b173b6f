import { attemptsPrefix } from '@berth/checkpoint';
import { silentLogger, type ObjectStore, type RunStatusReport } from '@berth/contracts';
import { createJobProducer } from '@berth/queue/jobs';
import { endAttempt, newAttempt } from '@berth/protocol';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createRunService, type RunService } from '../runs/run-service.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends, type Backends } from '../testing/services.ts';
import { runController } from './controller.ts';
import { RunRecordArchive } from './run-record-archive.ts';

/** Redis without anything, and a bucket with runs that have ended at step 4. */
async function emptiedRedis(...runIds: string[]): Promise<Backends> {
  const backends = await openBackends();
  const { store } = backends;
  const archive = new RunRecordArchive(store, silentLogger);
  const attempts = endAttempt([newAttempt(1, 0, 1)], { nowMs: 2, step: 4, reason: 'trained' });
  const entries = entriesOf(4, { fencingEpoch: 1, viewVersion: 1 });
  for (const runId of runIds) {
    await archive.keep(recordOf(runId, { status: 'completed', attempts }));
    await storeCheckpoint(store, runId, entries.slice(0, 2));
    await storeCheckpoint(store, runId, entries);
  }
  return backends;
}

/** A coordinator leads until the test is over. */
async function lead(backends: Backends, store: ObjectStore = backends.store): Promise<RunService> {
  const { connection, services } = backends;
  const jobs = await createJobProducer(services.redisUrl);
  const ending = new AbortController();
  const options = {
    coordinatorId: 'c',
    connection,
    store,
    s3: services.s3,
    jobs,
    logger: silentLogger,
  };
  const running = runController(options, ending.signal);
  onTestFinished(async () => {
    ending.abort();
    await running;
    await jobs.close();
    await backends.close();
  });
  return createRunService(connection, backends.store);
}

function reportWithCheckpoint(runs: RunService, runId: string): Promise<RunStatusReport> {
  return waitFor(
    async () => {
      const report = await runs.report(runId).catch(() => undefined);
      return report?.checkpointStep === 4 && report;
    },
    { what: `the newest checkpoint of ${runId}` },
  );
}

it('tells of a run that has ended how far it came, after Redis was emptied', async () => {
  const runs = await lead(await emptiedRedis('r'));
  expect(await reportWithCheckpoint(runs, 'r')).toMatchObject({
    step: 4,
    run: { status: 'completed' },
  });
  expect((await runs.list()).map(({ step }) => step)).toEqual([4]);
});

it('lists the checkpoints of several ended runs at once', async () => {
  const runIds = ['a', 'b', 'c'];
  const backends = await emptiedRedis(...runIds);
  const { store } = backends;
  const asked = new Set<string>();
  const runs = await lead(backends, {
    ...store,
    // Answers for none before it is asked for all.
    async list(prefix, options) {
      if (runIds.some((runId) => prefix === attemptsPrefix(runId))) {
        asked.add(prefix);
        await waitFor(() => asked.size === runIds.length, {
          what: 'the others',
          timeoutMs: 60_000,
        });
      }
      return store.list(prefix, options);
    },
  });
  for (const runId of runIds) expect(await reportWithCheckpoint(runs, runId)).toBeDefined();
});
