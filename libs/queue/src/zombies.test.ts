import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { beginEpoch, useRedis } from './testing/redis.ts';
import { factsOf, ledgerOf, storedOf, sums } from '@berth/protocol/testing';
import { runKeys } from './connection/keys.ts';
import { createLease } from './coordination/lease.ts';
import { createLedger } from './coordination/ledger.ts';
import { type ViewDraft } from '@berth/protocol';
import { createViews } from './coordination/views.ts';

/** What coordinators and members of an earlier time still try, against the scripts that decide what is true. */
const redis = useRedis();
const runId = 'run';
const keys = runKeys(runId);
const members = ['a', 'b'];
const currentEpoch = 5;
const numCommitted = 6;
const attempts = { numRuns: 500 };

const draftOf = (fencingEpoch: number): ViewDraft => ({
  fencingEpoch,
  mode: 'train',
  reason: 'test',
  members: members.map((memberId, index) => ({
    memberId,
    host: '127.0.0.1',
    port: 7000 + index,
    blocks: [{ start: index, length: 1 }],
  })),
});

/** All that the run's scripts may change. */
async function everything(): Promise<unknown> {
  const { client } = redis.connection;
  const { view, votes, ledger } = keys;
  return [
    await client.hgetall(view),
    await client.hgetall(votes),
    await client.lrange(ledger, 0, -1),
  ];
}

/** A run in its fifth fencing epoch and tenth view, with six steps and one vote for the seventh. */
beforeEach(async () => {
  const views = createViews(redis.connection, runId);
  const ledger = createLedger(redis.connection, runId);
  let epoch = 0;
  for (let step = 0; step <= numCommitted; step++) {
    while (epoch < Math.min(currentEpoch, step + 1)) {
      epoch++;
      await beginEpoch(redis.connection, epoch);
    }
    const before = await views.current();
    const { version } = await views.publish(draftOf(epoch), before?.version);
    const view = await views.publish(draftOf(epoch), version);
    await ledger.vote(view, 'a', factsOf(step), sums);
    if (step < numCommitted) await ledger.vote(view, 'b', factsOf(step), sums);
  }
});

describe('zombies', () => {
  it('cannot vote: 1,000 votes under older views, epochs and steps change nothing', async () => {
    const ledger = createLedger(redis.connection, runId);
    const views = createViews(redis.connection, runId);
    const current = await views.current();
    if (current === undefined) throw new Error('there is no view');
    const before = await everything();
    let numTried = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          fencingEpoch: fc.integer({ min: 1, max: currentEpoch }),
          version: fc.integer({ min: 1, max: current.version }),
        }),
        fc.constantFrom(...members, 'dead'),
        fc.integer({ min: 0, max: numCommitted + 1 }),
        fc.constantFrom(undefined, 'f'.repeat(16)),
        async (view, memberId, step, digest) => {
          const isOld = view.fencingEpoch !== currentEpoch || view.version !== current.version;
          fc.pre(isOld || memberId === 'dead');
          numTried++;
          const facts = factsOf(step, digest);
          const { kind } = await ledger.vote(view, memberId, facts, sums);
          // Who voted for a step that was committed learns so; nobody else is told anything but that it is too late.
          const [entry] = await ledger.entries(step, step + 1);
          const isOwn =
            entry?.fencingEpoch === view.fencingEpoch &&
            entry.viewVersion === view.version &&
            entry.gradientDigest === facts.gradientDigest;
          const isDead = memberId === 'dead' && !isOld;
          const answers = ['stale', ...(isOwn ? ['committed'] : [])];
          expect(isDead ? [...answers, 'replayed', 'ahead', 'contradicted'] : answers).toContain(
            kind,
          );
          expect(await everything()).toEqual(before);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(numTried).toBeGreaterThanOrEqual(1_000);
  });

  it('cannot publish views', async () => {
    const views = createViews(redis.connection, runId);
    const before = await everything();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: currentEpoch - 1 }),
        fc.nat(100),
        async (epoch, replaces) => {
          await expect(views.publish(draftOf(epoch), replaces)).rejects.toMatchObject({
            code: 'QUEUE_STALE_EPOCH',
          });
          expect(await everything()).toEqual(before);
        },
      ),
      attempts,
    );
  });

  it('cannot restore a ledger, not even a longer one', async () => {
    const ledger = createLedger(redis.connection, runId);
    const before = await everything();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: currentEpoch - 1 }),
        fc.integer({ min: 1, max: 5 }),
        async (epoch, numSteps) => {
          await expect(ledger.restore(storedOf(ledgerOf(numSteps)), epoch)).rejects.toMatchObject({
            code: 'QUEUE_STALE_EPOCH',
          });
          expect(await everything()).toEqual(before);
        },
      ),
      attempts,
    );
  });

  it('cannot keep the lease, nor take it from its holder', async () => {
    const holder = createLease(redis.connection, { holderId: 'holder', ttlMs: 60_000 });
    const held = await holder.acquire();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: currentEpoch }), async (epoch) => {
        const zombie = createLease(redis.connection, { holderId: `c${epoch}`, ttlMs: 60_000 });
        expect((await zombie.acquire(epoch)).held).toBe(false);
        await zombie.release();
        expect((await holder.acquire()).fencingEpoch).toBe(held.fencingEpoch);
      }),
      attempts,
    );
  });
});
