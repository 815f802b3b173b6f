import { stepSumNames, type StepSums } from '@berth/contracts';
import { createLedger, createRunChronicle, createRuns, createViews } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { startScene } from './testing/coordinator-scene.ts';
import { entriesOf, storeCheckpoint } from './testing/made-up-run.ts';

const runId = 'flipped';
const patience = { timeoutMs: 120_000 };
const entries = entriesOf(26, { fencingEpoch: 1, viewVersion: 1 });
const sums = Object.fromEntries(stepSumNames.map((name) => [name, 1])) as StepSums;

it('takes a run whose states differ back to its newest checkpoint, and counts no late vote', async () => {
  const scene = await startScene({ runId, status: 'pausing', entries: entries.slice(0, 25) });
  const { connection, store } = scene;
  const [runs, views] = [createRuns(connection), createViews(connection, runId)];
  const ledger = createLedger(connection, runId);
  await storeCheckpoint(store, runId, entries.slice(0, 20));
  const view = await waitFor(() => views.current(), { ...patience, what: 'a view' });

  scene.say({
    complaint: {
      viewVersion: view.version,
      step: 25,
      suspects: [],
      error: {
        code: 'STATE_DIVERGED',
        message: 'Step 25: slice 25 of the state before it differs: worker: x; other: y',
        details: { divergence: 'state', step: 25, odd: '', agreedStep: 20 },
      },
    },
  });
  const record = await waitFor(
    async () => {
      const read = await runs.read(runId);
      return read !== undefined && read.status === 'paused' && read;
    },
    { ...patience, what: 'the end of the attempt' },
  );
  expect(record.requests.cut).toMatchObject({ toStep: 20, attempt: 1 });
  expect(await ledger.vote(view, 'worker', entries[25]!, sums)).toMatchObject({ kind: 'stale' });

  const { markers } = await createRunChronicle(connection, runId).markers('');
  expect(markers).toContainEqual(
    expect.objectContaining({
      kind: 'diverged',
      step: 25,
      text: expect.stringContaining('goes back to step 20'),
    }),
  );
});
