import {
  noRequests,
  silentLogger,
  type Complaint,
  tasks,
  type StepSums,
  type View,
} from '@berth/contracts';
import { perform, RunSupervisor } from '@berth/protocol';
import { createJobProducer } from '@berth/queue/jobs';
import { createLease, createMembers, createRuns, openRun } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { openRunPorts } from './run-ports.ts';
import { RunRecordArchive } from './run-record-archive.ts';
import { memberOf } from '../testing/api-fixture.ts';
import { startScene, storedOf } from '../testing/coordinator-scene.ts';
import { entriesOf, recordOf, storeCheckpoint } from '../testing/made-up-run.ts';
import { openBackends } from '../testing/services.ts';

const runId = 'flipped';
const entries = entriesOf(26, { fencingEpoch: 1, viewVersion: 1 });
const sums: StepSums = Object.fromEntries(tasks.pretraining.sums.map((name) => [name, 1]));

function complaintAbout({ version }: View): Complaint {
  return {
    viewVersion: version,
    step: 25,
    suspects: [],
    error: {
      code: 'STATE_DIVERGED',
      message: 'Step 25: slice 25 of the state before it differs: worker: x; other: y',
      details: { divergence: 'state', step: 25, odd: '', agreedStep: 20 },
    },
  };
}

it('takes a run whose states differ back to its newest checkpoint, and counts no late vote', async () => {
  const scene = await startScene({ runId, status: 'pausing', entries: entries.slice(0, 25) });
  const { connection, store } = scene;
  const runs = createRuns(connection);
  const { views, ledger, events: log } = openRun(connection, runId);
  await storeCheckpoint(store, runId, entries.slice(0, 20));
  const view = await waitFor(() => views.current(), { what: 'a view' });

  scene.say({ complaint: complaintAbout(view) });
  const record = await waitFor(
    async () => {
      const read = await runs.read(runId);
      return read !== undefined && read.status === 'paused' && read;
    },
    { what: 'the end of the attempt' },
  );
  expect(record.requests.rewind).toMatchObject({ toStep: 20, attempt: 1 });
  expect(await ledger.vote(view, 'worker', entries[25]!, sums)).toMatchObject({ kind: 'stale' });

  const { events } = await log.after('');
  expect(events).toContainEqual(
    expect.objectContaining({
      kind: 'diverged',
      step: 25,
      text: expect.stringContaining('goes back to step 20'),
    }),
  );
});

it('a run that is killed remembers what its members have found', async () => {
  const backends = await openBackends();
  onTestFinished(() => backends.close());
  const { connection, store, services } = backends;
  const { fencingEpoch } = await createLease(connection, {
    holderId: 'c',
    ttlMs: 60_000,
  }).acquire();
  const { views, ledger } = openRun(connection, runId);
  await ledger.restore(storedOf(entries.slice(0, 25)), fencingEpoch);
  await storeCheckpoint(store, runId, entries.slice(0, 20));
  const members = [{ memberId: 'worker', host: 'h', port: 1, blocks: [{ start: 0, length: 8 }] }];
  const draft = { fencingEpoch, mode: 'train' as const, reason: 'starting', members };
  const view = await views.publish(draft, undefined);
  const complaint = complaintAbout(view);
  await createMembers(connection).heartbeat(
    memberOf('worker', { runId, state: 'idle', complaint }),
  );

  const jobs = await createJobProducer(services.redisUrl);
  onTestFinished(() => jobs.close());
  const archive = new RunRecordArchive(store, silentLogger);
  const supervisor = new RunSupervisor(
    openRunPorts({ connection, store, archive, jobs, logger: silentLogger }, runId),
  );
  const record = recordOf(runId, { status: 'stopping', requests: { ...noRequests, kill: true } });
  const change = await perform(
    supervisor.tick(record, { fencingEpoch, serverEpoch: 1, isLenient: false }),
  );
  expect(change).toMatchObject({
    status: 'stopped',
    requests: { kill: false, rewind: { toStep: 20 } },
  });
  expect((await views.current())?.members).toEqual([]);
});
