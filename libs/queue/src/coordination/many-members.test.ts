import { factsOf, sums } from '@berth/protocol/testing';
import { expect, it } from 'vitest';
import { runKeys } from '../connection/keys.ts';
import { beginEpoch, useRedis } from '../testing/redis.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createViews } from './views.ts';

const redis = useRedis();
const runId = 'run';

async function start(memberIds: readonly string[]): Promise<{
  readonly voteOf: (memberId: string) => ReturnType<Ledger['vote']>;
}> {
  await redis.connection.client.flushall();
  await beginEpoch(redis.connection, 1);
  const members = memberIds.map((memberId, start) => ({
    memberId,
    host: '127.0.0.1',
    port: 1,
    blocks: [{ start, length: 1 }],
  }));
  const draft = { fencingEpoch: 1, mode: 'train' as const, reason: 'start', members };
  const view = await createViews(redis.connection, runId).publish(draft);
  const ledger = createLedger(redis.connection, runId);
  return { voteOf: (memberId) => ledger.vote(view, memberId, factsOf(0), sums) };
}

/** Commands that a vote takes which is not the last. */
async function commandsOfVote(numMembers: number): Promise<number> {
  const { voteOf } = await start(Array.from({ length: numMembers }, (_, index) => `m${index}`));
  // The first vote brings the script.
  await voteOf('m0');
  const numCommands = async (): Promise<number> => {
    const stats = await redis.connection.client.info('commandstats');
    const calls = [...stats.matchAll(/^cmdstat_(?!info|config)\S+?:calls=(\d+)/gm)];
    return calls.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await numCommands();
  await voteOf('m1');
  return (await numCommands()) - before;
}

it('a vote takes no more commands with more members', async () => {
  expect(await commandsOfVote(60)).toBe(await commandsOfVote(3));
});

it('members vote whose ids JSON writes otherwise, and strangers do not', async () => {
  const { voteOf } = await start(['a"b', 'c']);
  for (const stranger of ['b', 'a', 'a"b","c', 'a\\"b'])
    expect(await voteOf(stranger)).toMatchObject({ kind: 'stale' });
  expect(await voteOf('a"b')).toEqual({ kind: 'waiting' });
  expect(await voteOf('c')).toMatchObject({ kind: 'committed' });
});

it('members vote in a view that an older release has published', async () => {
  const { voteOf } = await start(['a', 'b']);
  await redis.connection.client.hdel(runKeys(runId).view, 'numMembers');
  expect(await voteOf('a')).toEqual({ kind: 'waiting' });
  expect(await voteOf('b')).toMatchObject({ kind: 'committed' });
});
