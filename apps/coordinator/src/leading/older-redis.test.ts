import type { View } from '@berth/contracts';
import { openRun } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it } from 'vitest';
import { startScene, storedOf } from '../testing/coordinator-scene.ts';
import { entriesOf, storeCheckpoint } from '../testing/made-up-run.ts';

const runId = 'older';
const entries = entriesOf(50, { fencingEpoch: 1, viewVersion: 1 });

it('brings back all that a Redis has forgotten, and gives no view out twice', async () => {
  const scene = await startScene({
    runId,
    status: 'pausing',
    entries: entries.slice(0, 25),
  });
  const { connection, store } = scene;
  const { views, ledger, checkpoints } = openRun(connection, runId);
  const viewAfter = (known: View): Promise<View> =>
    waitFor(
      async () => {
        const view = await views.current().catch(() => undefined);
        return view !== undefined && view.fencingEpoch > known.fencingEpoch && view;
      },
      { what: 'a view of a new epoch' },
    );
  const firstView = await waitFor(() => views.current(), { what: 'a view' });
  expect(firstView.fromStep).toBe(25);
  await scene.copy();
  await ledger.restore(storedOf(entries), firstView.fencingEpoch);
  await storeCheckpoint(store, runId, entries.slice(0, 40));

  await scene.rollBack();
  const second = await viewAfter(firstView);
  expect(second.fromStep).toBe(40);
  expect(await checkpoints.at(40)).toBeDefined();

  // The same disk again: the coordinator may not repeat itself either.
  await scene.rollBack();
  const third = await viewAfter(second);
  expect(third.fromStep).toBe(40);
});
