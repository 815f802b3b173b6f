import { runRecord } from '@berth/protocol/testing';
import { expect, it } from 'vitest';
import { createViews } from '../coordination/views.ts';
import { beginEpoch, useRedis } from '../testing/redis.ts';
import { createRunEvents } from './run-events.ts';
import { createRuns } from './runs.ts';

const redis = useRedis();
const joined = { kind: 'joined', attempt: 1, timeMs: 1, memberId: 'a', text: 'a joined' } as const;
const draft = { fencingEpoch: 5, mode: 'train' as const, reason: 'start', members: [] };

it('are kept with the view that they tell of, once, and lead from one page to the next', async () => {
  await beginEpoch(redis.connection, 5);
  const views = createViews(redis.connection, 'r');
  const log = createRunEvents(redis.connection, 'r');
  await views.publish(draft, 0, [joined]);
  const replaced = { code: 'QUEUE_VIEW_REPLACED' };
  await expect(views.publish(draft, 0, [joined])).rejects.toMatchObject(replaced);
  const stale = { code: 'QUEUE_STALE_EPOCH' };
  const old = { ...draft, fencingEpoch: 4 };
  await expect(views.publish(old, 1, [joined])).rejects.toMatchObject(stale);
  const first = await log.after('');
  expect(first.events).toEqual([{ ...joined, step: 0 }]);
  await views.publish(draft, 1, [{ ...joined, kind: 'left', text: 'a left' }]);
  expect((await log.after(first.cursor)).events).toMatchObject([{ kind: 'left' }]);
});

it('tell of each change of a status, whoever makes it', async () => {
  await beginEpoch(redis.connection, 5);
  const runs = createRuns(redis.connection);
  const log = createRunEvents(redis.connection, 'r');
  await runs.create(runRecord('r', { status: 'queued' }));
  const known = await runs.change('r', () => ({ status: 'pausing', reason: 'as asked' }));
  await runs.update(known, { reason: 'saving' }, 5);
  const conflict = { code: 'RUN_STATE_CONFLICT' };
  await expect(runs.update(known, { status: 'failed' }, 5)).rejects.toMatchObject(conflict);
  expect((await log.after('')).events).toMatchObject([
    { kind: 'status', step: 0, text: 'pausing: as asked' },
  ]);
});
