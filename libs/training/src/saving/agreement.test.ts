import { listCheckpoints, placeOfKey, readManifest } from '@berth/checkpoint';
import type { BerthError } from '@berth/contracts';
import { newAttempt } from '@berth/protocol';
import { describe, expect, it } from 'vitest';
import { madeUpCoordination } from '../testing/made-up-coordination.ts';
import { cursor, saverOf, stateAt, testStore, viewOf } from '../testing/test-saver.ts';

describe('members that save together', () => {
  it('saves nothing when a member holds another state, in a weight or in a moment', async () => {
    for (const kind of ['weights', 'firstMoments', 'secondMoments'] as const) {
      const store = await testStore();
      const meeting = madeUpCoordination();
      const [saved, diverged] = [[] as number[], [] as BerthError[]];
      const savers = ['a', 'b', 'c'].map((member) =>
        saverOf(member, store, { meeting, saved, diverged }),
      );
      savers.forEach((saver, index) => {
        const state = stateAt(10);
        if (index === 1) new Uint32Array(state[kind].buffer)[1]! ^= 1;
        saver.save(viewOf('a', 'b', 'c'), state, cursor);
      });
      const [leader, ...others] = savers;
      await expect(leader?.settled()).rejects.toMatchObject({
        code: 'STATE_DIVERGED',
        details: { step: 10, odd: 'b' },
      });
      await Promise.all(others.map((saver) => saver.settled()));
      expect(saved).toEqual([]);
      expect(diverged).toHaveLength(1);
      expect(await leader?.newestStep(100)).toBeUndefined();
    }
  });

  it('takes no part that a member of another attempt has stored', async () => {
    const store = await testStore();
    const meeting = madeUpCoordination();
    const late = saverOf('b', store, { meeting });
    const view = viewOf('a', 'b');
    late.save(view, stateAt(10), cursor);
    const attempts = [newAttempt(1, 0, 0), newAttempt(2, 5, 0)];
    const leader = saverOf('a', store, { meeting, attempts });
    leader.save(view, stateAt(10), cursor);
    await Promise.all([late.settled(), leader.settled()]);
    const [saved] = await listCheckpoints(store, 'run', attempts);
    const { shards } = await readManifest(store, saved?.manifestKey ?? '');
    expect(shards.map(({ key }) => placeOfKey('run', key)?.attempt)).toEqual([2, 2]);
  });

  it('completes a save without a member that has skipped it or is gone', async () => {
    const store = await testStore();
    const saved: number[] = [];
    const meeting = madeUpCoordination();
    const [leader, other] = ['a', 'b'].map((member) => saverOf(member, store, { meeting, saved }));
    other?.save(viewOf('a', 'b', 'c'), stateAt(10), cursor);
    await other?.settled();
    leader?.save(viewOf('a', 'b', 'c'), stateAt(10), cursor);
    leader?.save({ ...viewOf('a'), version: 2 }, stateAt(20), cursor);
    await leader?.settled();
    expect(saved).toEqual([10, 20]);
  });

  it('saves nothing that less than most of the view have compared', async () => {
    const store = await testStore();
    const saved: number[] = [];
    const leader = saverOf('a', store, { saved });
    leader.save(viewOf('a', 'b'), stateAt(10), cursor);
    leader.save({ ...viewOf('a'), version: 2 }, stateAt(20), cursor);
    await leader.settled();
    expect(saved).toEqual([20]);
  });
});
