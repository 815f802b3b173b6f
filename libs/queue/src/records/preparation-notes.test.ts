import type { JobNote, PreparationProgress, Unseen } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { runKeys } from '../connection/keys.ts';
import { useRedis } from '../testing/redis.ts';
import { createPreparationNotes } from './preparation-notes.ts';

const redis = useRedis();
const unseen: Unseen = { problem: '/corpus does not exist', isChanged: false };
const progress: PreparationProgress = { stages: [], etaMs: 7, numWorkersBusy: 2 };

describe('notes of how far data is', () => {
  it('are of one run, the newest of each job, until they are forgotten', async () => {
    const [notes, others] = ['a', 'b'].map((run) => createPreparationNotes(redis.connection, run));
    const noteOf = (numBytes: number, isDone: boolean): JobNote => {
      return { numBytes, numDocuments: 1, isDone };
    };
    await notes!.note('survey/0', noteOf(1, false));
    await notes!.note('survey/0', noteOf(9, true));
    await notes!.note('survey/1', { ...noteOf(2, false), activity: 'merging' });
    expect(Object.fromEntries(await notes!.all())).toEqual({
      'survey/0': noteOf(9, true),
      'survey/1': { ...noteOf(2, false), activity: 'merging' },
    });
    await notes!.sees('w', unseen);
    await notes!.sees('v', { ...unseen, isChanged: true });
    await notes!.sees('v', undefined);
    expect([...(await notes!.blind())]).toEqual([['w', unseen]]);
    expect(await notes!.reported()).toBeUndefined();
    await notes!.report(progress);
    expect(await notes!.reported()).toEqual(progress);
    expect([(await others!.all()).size, (await others!.blind()).size]).toEqual([0, 0]);
    await notes!.clear();
    expect([(await notes!.all()).size, (await notes!.blind()).size]).toEqual([0, 0]);
    expect(await notes!.reported()).toBeUndefined();
  });

  it('expire, and are passed over where another release has written others', async () => {
    const { client } = redis.connection;
    const { preparation, preparationReport, preparationBlind } = runKeys('a');
    const notes = createPreparationNotes(redis.connection, 'a');
    await notes.note('survey/0', { numBytes: 1, numDocuments: 1, isDone: true });
    await notes.sees('w', unseen);
    await notes.report(progress);
    const lives = [preparation, preparationReport, preparationBlind].map((key) => client.pttl(key));
    for (const leftMs of await Promise.all(lives)) expect(leftMs).toBeGreaterThan(0);
    await client.hset(preparation, 'survey/1', '{"numBytes":"many"}');
    await client.hset(preparationBlind, 'v', 'does not see it');
    await client.set(preparationReport, 'half of it');
    expect([...(await notes.all()).keys()]).toEqual(['survey/0']);
    expect([...(await notes.blind()).keys()]).toEqual(['w']);
    expect(await notes.reported()).toBeUndefined();
  });
});
