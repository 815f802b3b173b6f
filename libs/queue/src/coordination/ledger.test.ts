import {
  genesisHead,
  stepFactsText,
  type LedgerEntry,
  type StepFacts,
  type View,
} from '@berth/contracts';
import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  epochSize,
  factsOf,
  globalBatch,
  ledgerOf,
  storedOf,
  sums,
  verifyLedger,
} from '@berth/protocol/testing';
import { beginEpoch, useRedis } from '../testing/redis.ts';
import { createLease } from './lease.ts';
import { nextHead, type ViewDraft } from '@berth/protocol';
import { createLedger, type Ledger } from './ledger.ts';
import { createViews } from './views.ts';

const redis = useRedis();
const other = 'f'.repeat(16);
const phases = [{ firstStep: 0, startsEpoch: false, globalBatch }];

function draftOf(memberIds: readonly string[], fencingEpoch = 1): ViewDraft {
  const members = memberIds.map((memberId, index) => ({
    memberId,
    host: '127.0.0.1',
    port: 7000 + index,
    blocks: [{ start: index, length: 1 }],
  }));
  return { fencingEpoch, members, reason: 'test', mode: 'train' };
}

async function start(
  memberIds: readonly string[],
  runId = 'run',
): Promise<{ ledger: Ledger; view: View }> {
  const ledger = createLedger(redis.connection, runId);
  await beginEpoch(redis.connection, 1);
  const view = await createViews(redis.connection, runId).publish(draftOf(memberIds));
  return { ledger, view };
}

describe('voting', () => {
  it('commits with the last vote, names who is missing before, and chains the heads', async () => {
    const { ledger, view } = await start(['a', 'b', 'c']);
    for (let step = 0; step < 4; step++) {
      expect(await ledger.vote(view, 'b', factsOf(step), sums)).toEqual({ kind: 'waiting' });
      expect((await ledger.state()).missing).toEqual(['a', 'c']);
      await ledger.vote(view, 'a', factsOf(step), sums);
      const { kind } = await ledger.vote(view, 'c', factsOf(step), sums);
      expect(kind).toBe('committed');
    }
    const entries = await ledger.entries(0, 100);
    const head = await ledger.head();
    expect(verifyLedger(entries, { phases, epochSize: () => epochSize, expectHead: head })).toEqual(
      { ok: true, numSteps: 4, numExamples: 32, problems: [] },
    );
    expect(entries[3]).toMatchObject({ members: ['a', 'b', 'c'], sums, viewVersion: 1 });
    expect(await ledger.entry(3)).toEqual(entries[3]);
    expect(await ledger.entry(4)).toBeUndefined();
  });

  it('names what started the members, unless all are mere processes', async () => {
    const { ledger } = await start(['a', 'b'], 'moved');
    const views = createViews(redis.connection, 'moved');
    const enginesUnder = async (step: number, ...engines: (string | undefined)[]) => {
      const draft = draftOf(['a', 'b']);
      const members = draft.members.map((member, index) => ({ ...member, engine: engines[index] }));
      const view = await views.publish({ ...draft, members }, step + 1);
      for (const id of ['a', 'b']) await ledger.vote(view, id, factsOf(step), sums);
      return (await ledger.entry(step))?.engines;
    };
    expect(await enginesUnder(0, 'slurm', 'slurm')).toEqual(['slurm']);
    expect(await enginesUnder(1, 'slurm', undefined)).toEqual(['process', 'slurm']);
    expect(await enginesUnder(2)).toBeUndefined();
  });

  it('commits each step exactly once under any order and repetition of votes', async () => {
    let numRuns = 0;
    const members = ['a', 'b', 'c'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...members), fc.nat(1)), { minLength: 1, maxLength: 25 }),
        async (schedule) => {
          const { ledger, view } = await start(members, `interleaved-${numRuns++}`);
          const voted = [new Set<string>(), new Set<string>()];
          let committed = 0;
          for (const [member, step] of schedule) {
            const result = await ledger.vote(view, member, factsOf(step), sums);
            const isAhead = step > committed;
            const votes = voted[step] ?? new Set<string>();
            if (!isAhead) votes.add(member);
            if (step === committed && votes.size === members.length) committed++;
            const expected = isAhead ? 'ahead' : step < committed ? 'committed' : 'waiting';
            expect(result.kind).toBe(expected);
          }
          const entries = await ledger.entries(0, 10);
          expect(entries.map(({ step }) => step)).toEqual([0, 1].slice(0, committed));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('commits once when all members vote at the same time', async () => {
    const members = Array.from({ length: 16 }, (_, index) => `m${index}`);
    const { ledger, view } = await start(members);
    const results = await Promise.all(members.map((id) => ledger.vote(view, id, factsOf(0), sums)));
    expect(results.filter(({ kind }) => kind === 'committed')).toHaveLength(1);
    expect(await ledger.numCommitted()).toBe(1);
  });

  it('tells every member of the view who voted what, once all have and they disagree', async () => {
    const { ledger, view } = await start(['a', 'b', 'c']);
    await ledger.vote(view, 'a', factsOf(0), sums, 'state');
    const waiting = await ledger.vote(view, 'b', factsOf(0, other), sums, 'state');
    expect(waiting).toEqual({ kind: 'waiting' });
    const result = await ledger.vote(view, 'c', factsOf(0), sums, 'state');
    const voted = (memberId: string, facts: StepFacts) => ({
      memberId,
      facts: stepFactsText(facts),
      stateDigest: 'state',
    });
    const votes = [voted('a', factsOf(0)), voted('b', factsOf(0, other)), voted('c', factsOf(0))];
    expect(result).toEqual({ kind: 'diverged', votes });
    expect(await ledger.vote(view, 'a', factsOf(0), sums, 'state')).toEqual(result);
    // Once found, it stays with the view.
    expect(await ledger.vote(view, 'b', factsOf(0), sums, 'state')).toEqual(result);
    expect(await ledger.numCommitted()).toBe(0);
  });

  it('commits nothing that was computed from states that differ', async () => {
    const { ledger, view } = await start(['a', 'b']);
    await ledger.vote(view, 'a', factsOf(0), sums, '0123456789abcdef');
    const result = await ledger.vote(view, 'b', factsOf(0), sums, '0123456789abcdee');
    expect(result).toMatchObject({
      kind: 'diverged',
      votes: [{ stateDigest: '0123456789abcdef' }, { stateDigest: '0123456789abcdee' }],
    });
    expect(await ledger.numCommitted()).toBe(0);
  });

  it('has the same head, whatever states were compared', async () => {
    const { ledger, view } = await start(['a', 'b']);
    await ledger.vote(view, 'a', factsOf(0), sums, '0123456789abcdef');
    const { kind } = await ledger.vote(view, 'b', factsOf(0), sums, '0123456789abcdef');
    expect(kind).toBe('committed');
    expect(await ledger.head()).toBe(nextHead(genesisHead, factsOf(0)));
    expect(JSON.stringify(await ledger.entry(0))).not.toContain('0123456789abcdef');
  });

  it('lets a new view vote afresh after a disagreement', async () => {
    const { ledger, view } = await start(['a', 'b']);
    await ledger.vote(view, 'a', factsOf(0), sums);
    await ledger.vote(view, 'b', factsOf(0, other), sums);
    const next = await createViews(redis.connection, 'run').publish(draftOf(['a']), view.version);
    expect((await ledger.vote(next, 'a', factsOf(0), sums)).kind).toBe('committed');
  });

  it('confirms a replay of a committed step and refuses one with other facts', async () => {
    const { ledger, view } = await start(['a']);
    await ledger.vote(view, 'a', factsOf(0), sums);
    const next = await createViews(redis.connection, 'run').publish(draftOf(['b']), view.version);
    const head = await ledger.head();
    const committedAtMs = (await ledger.entry(0))?.committedAtMs;
    expect(committedAtMs).toBeGreaterThan(0);
    const replayed = { kind: 'replayed', head, committedAtMs, beforeAtMs: 0 };
    expect(await ledger.vote(next, 'b', factsOf(0), sums)).toEqual(replayed);
    const contradicted = await ledger.vote(next, 'b', factsOf(0, other), sums);
    expect(contradicted).toMatchObject({ kind: 'contradicted' });
    expect(JSON.stringify(contradicted)).toMatch(/in the ledger as .*0001, but here it is .*f{16}/);
    expect(await ledger.numCommitted()).toBe(1);
  });

  it('tells every member the same times of a step and the one before', async () => {
    const { ledger, view } = await start(['a', 'b']);
    for (const step of [0, 1])
      for (const member of ['a', 'b']) await ledger.vote(view, member, factsOf(step), sums);
    const [first, second] = await ledger.entries(0, 2);
    const times = { beforeAtMs: first?.committedAtMs, committedAtMs: second?.committedAtMs };
    for (const member of ['a', 'b'])
      expect(await ledger.vote(view, member, factsOf(1), sums)).toMatchObject(times);
  });

  it('refuses votes of replaced views, strangers and old epochs without a trace', async () => {
    const { ledger, view } = await start(['a', 'b']);
    const views = createViews(redis.connection, 'run');
    await beginEpoch(redis.connection, 2);
    const next = await views.publish(draftOf(['a', 'b'], 2), view.version);
    const before = await ledger.state();
    const stale = { kind: 'stale', fencingEpoch: 2, viewVersion: next.version };
    expect(await ledger.vote(view, 'a', factsOf(0), sums)).toEqual(stale);
    expect(await ledger.vote({ ...next, fencingEpoch: 1 }, 'a', factsOf(0), sums)).toEqual(stale);
    expect(await ledger.vote({ ...next, fencingEpoch: 3 }, 'a', factsOf(0), sums)).toEqual(stale);
    expect(await ledger.vote(next, 'stranger', factsOf(0), sums)).toEqual(stale);
    expect(await ledger.state()).toEqual(before);
  });

  it('tells a member of a replaced view that its step was committed after all', async () => {
    const { ledger, view } = await start(['a']);
    await ledger.vote(view, 'a', factsOf(0), sums);
    await createViews(redis.connection, 'run').publish(draftOf(['b']), view.version);
    expect((await ledger.vote(view, 'a', factsOf(0), sums)).kind).toBe('committed');
    expect((await ledger.vote(view, 'a', factsOf(0, other), sums)).kind).toBe('stale');
  });

  it('forgets the votes of a replaced view', async () => {
    const { ledger, view } = await start(['a', 'b']);
    await ledger.vote(view, 'a', factsOf(0), sums);
    const next = await createViews(redis.connection, 'run').publish(
      draftOf(['a', 'b']),
      view.version,
    );
    expect(await ledger.vote(next, 'b', factsOf(0), sums)).toEqual({ kind: 'waiting' });
  });

  it('accepts no sum that is not a number', async () => {
    const { ledger, view } = await start(['a']);
    await expect(
      ledger.vote(view, 'a', factsOf(0), { ...sums, maskedLmLoss: Number.NaN }),
    ).rejects.toMatchObject({ code: 'NUMERICS_NOT_FINITE' });
    expect(await ledger.head()).toBe(genesisHead);
  });
});

describe('restore', () => {
  const entries = ledgerOf(1_203);
  const epoch = entries.at(-1)?.fencingEpoch ?? 0;
  beforeEach(() => beginEpoch(redis.connection, epoch));

  it('rebuilds a lost ledger to the byte, and again without effect', async () => {
    const ledger = createLedger(redis.connection, 'lost');
    expect(await ledger.restore(storedOf(entries), epoch)).toBe(entries.length);
    expect(await ledger.entries(0, 2_000)).toEqual(entries);
    expect(await ledger.restore(storedOf(entries.slice(0, 700)), epoch)).toBe(entries.length);
    expect(await ledger.head()).toBe(entries.at(-1)?.head);
  });

  it('completes a ledger that is behind and leaves a longer one alone', async () => {
    const ledger = createLedger(redis.connection, 'behind');
    await ledger.restore(storedOf(entries.slice(0, 613)), epoch);
    expect(await ledger.restore(storedOf(entries), epoch)).toBe(entries.length);
    expect(await ledger.entries(0, 2_000)).toEqual(entries);
  });

  it('continues with a version and an epoch above those of the entries', async () => {
    const ledger = createLedger(redis.connection, 'next');
    await ledger.restore(storedOf(entries), epoch);
    const views = createViews(redis.connection, 'next');
    await expect(views.publish(draftOf(['a'], epoch - 1))).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
    const view = await views.publish(draftOf(['a'], epoch));
    expect(view.fromStep).toBe(entries.length);
    await ledger.vote(view, 'a', factsOf(entries.length), sums);
    expect(verifyLedger(await ledger.entries(0, 2_000), { phases }).problems).toEqual([]);
  });

  it('refuses entries of another run, and older epochs', async () => {
    const { ledger, view } = await start(['a']);
    await ledger.vote(view, 'a', factsOf(0, other), sums);
    await beginEpoch(redis.connection, epoch);
    for (const stored of [entries, entries.slice(0, 1)])
      await expect(ledger.restore(storedOf(stored), epoch)).rejects.toMatchObject({
        code: 'LEDGER_DIVERGED',
      });
    await expect(ledger.restore(storedOf(entries), epoch - 1)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
    const lease = createLease(redis.connection, { holderId: 'c', ttlMs: 1_000 });
    await lease.acquire(epoch + 1);
    await expect(ledger.restore(storedOf(entries), epoch)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
    expect(await ledger.numCommitted()).toBe(1);
  });

  it('refuses a broken chain before it puts any of its page back', async () => {
    const ledger = createLedger(redis.connection, 'broken');
    const restore = (broken: readonly LedgerEntry[]) => ledger.restore(storedOf(broken), epoch);
    await expect(restore(entries.slice(1))).rejects.toMatchObject({ code: 'LEDGER_INVALID' });
    expect(await ledger.numCommitted()).toBe(0);
    const altered = { ...(entries[800] as LedgerEntry), gradientDigest: other };
    await expect(restore(entries.with(800, altered))).rejects.toMatchObject({
      code: 'LEDGER_INVALID',
    });
    expect(await ledger.entries(0, 2_000)).toEqual(entries.slice(0, 800));
  });

  it('goes on where a restore has ended, without reading what is there', async () => {
    const ledger = createLedger(redis.connection, 'resumed');
    await ledger.restore(storedOf(entries.slice(0, 1_000)), epoch);
    const asked: number[] = [];
    const stored = storedOf(entries);
    const watched = {
      ...stored,
      entries: (fromStep: number) => {
        asked.push(fromStep);
        return stored.entries(fromStep);
      },
    };
    expect(await ledger.restore(watched, epoch)).toBe(entries.length);
    expect(await ledger.restore(watched, epoch)).toBe(entries.length);
    expect(asked).toEqual([1_000]);
    expect(await ledger.entries(0, 2_000)).toEqual(entries);
  });

  it('ends for now when Redis loses the entries meanwhile', async () => {
    const ledger = createLedger(redis.connection, 'twice');
    const stored = storedOf(entries);
    const forgetful = {
      ...stored,
      async *entries(fromStep: number) {
        for await (const page of stored.entries(fromStep)) {
          yield page;
          if (page[0]?.step === 400) await redis.connection.client.del('berth:{twice}:ledger');
        }
      },
    };
    await expect(ledger.restore(forgetful, epoch)).rejects.toMatchObject({ code: 'LEDGER_BEHIND' });
    expect(await ledger.restore(stored, epoch)).toBe(entries.length);
  });

  it('refuses the holder of a lease that Redis has lost', async () => {
    await redis.connection.call((client) => client.flushall());
    const ledger = createLedger(redis.connection, 'lost');
    await expect(ledger.restore(storedOf(entries), epoch)).rejects.toMatchObject({
      code: 'QUEUE_STALE_EPOCH',
    });
    expect(await ledger.numCommitted()).toBe(0);
  });
});
