import {
  genesisHead,
  toBerthError,
  type LedgerEntry,
  type MemberInfo,
  type StepSums,
  type StoredLedger,
} from '@berth/contracts';
import type { Verdict, ViewDraft } from '@berth/protocol';
import {
  connectRedis,
  createLease,
  createMembers,
  openRun,
  redisServerPrograms,
  startRedisServer,
  type RedisConnection,
  type RedisProcess,
} from '../index.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  RedisModel,
  type RestoreResult,
  cursorAt,
  globalBatch,
  liveMember,
} from '@berth/protocol/testing';

const sums: StepSums = { loss: 1 };
const holders = ['c1', 'c2'];
const memberIds = ['a', 'b', 'c'];

let redis: RedisProcess;
let connection: RedisConnection;

beforeAll(async () => {
  redis = await startRedisServer({ programs: redisServerPrograms(process.env) });
  connection = await connectRedis(redis.url, { role: 'producer' });
});

afterAll(async () => {
  connection.close();
  await redis.stop();
});

/** A known start, later than now. */
const usedEpoch = 4e12;
const member = fc.constantFrom(...memberIds);
/** How far something is from what fits. */
const offset = fc.constantFrom(0, 0, 0, 0, 0, 0, -1, 1);

const command = fc.oneof(
  fc.record({
    kind: fc.constant('acquire' as const),
    holder: fc.constantFrom(...holders),
    // A lease that lasts, or is over at once.
    ttlMs: fc.constantFrom(0, 1_000_000),
  }),
  fc.record({ kind: fc.constant('release' as const), holder: fc.constantFrom(...holders) }),
  fc.record({ kind: fc.constant('noteRestored' as const), epoch: offset }),
  fc.record({
    kind: fc.constant('publish' as const),
    members: fc.uniqueArray(member, { minLength: 1 }),
    epoch: offset,
    replaces: offset,
  }),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      member,
      step: offset,
      epoch: offset,
      version: offset,
      digest: fc.constantFrom(...Array.from<string>({ length: 8 }).fill('0'), '1'),
      state: fc.constantFrom(...Array.from<string>({ length: 12 }).fill('0'), '1'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('restore' as const),
      numDropped: fc.nat(2),
      epoch: offset,
    }),
  },
  fc.record({ kind: fc.constant('post' as const), member, value: fc.constantFrom('1', '2') }),
  fc.record({ kind: fc.constant('beat' as const), member }),
  fc.record({ kind: fc.constant('leave' as const), member }),
  fc.record({ kind: fc.constant('flush' as const) }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** What both say to a command; nothing when it has no answer. */
interface Answers {
  readonly real?: unknown;
  readonly modelled?: unknown;
}

/** Does a command to both. */
async function both(model: RedisModel, archive: LedgerEntry[], step: Command): Promise<Answers> {
  const nowMs = Date.now();
  const { runId } = model;
  const epoch = usedEpoch + 1;
  switch (step.kind) {
    case 'acquire': {
      const { holder: holderId, ttlMs } = step;
      const answer = await createLease(connection, { holderId, ttlMs }).acquire(usedEpoch);
      const expected = model.lease.acquire(nowMs, holderId, ttlMs, usedEpoch, nowMs);
      return { real: { ...answer, remainingMs: 0 }, modelled: { ...expected, remainingMs: 0 } };
    }
    case 'release':
      await createLease(connection, { holderId: step.holder, ttlMs: 1 }).release();
      model.lease.release(step.holder);
      return {};
    case 'noteRestored': {
      const fencingEpoch = model.lease.epoch + step.epoch;
      const lease = createLease(connection, { holderId: 'c1', ttlMs: 1 });
      const real = (await lease.noteRestored(fencingEpoch).catch(newestOf)) ?? undefined;
      return { real, modelled: model.lease.noteRestored(fencingEpoch) };
    }
    case 'publish': {
      const draft: ViewDraft = {
        fencingEpoch: (model.view?.fencingEpoch ?? epoch) + step.epoch,
        members: step.members.map((memberId) => ({
          memberId,
          ...(memberId !== 'a' && { engine: `of-${memberId}` }),
          host: 'h',
          port: 1,
          blocks: [],
        })),
        mode: 'train',
        reason: 'test',
      };
      const { views } = openRun(connection, runId);
      const replaces = Math.max(0, (model.view?.version ?? 0) + step.replaces);
      const real = await views.publish(draft, replaces).catch(refusalOf);
      return { real, modelled: model.publish(draft, replaces) };
    }
    case 'vote': {
      const view = {
        fencingEpoch: (model.view?.fencingEpoch ?? epoch) + step.epoch,
        version: (model.view?.version ?? 1) + step.version,
      };
      const at = Math.max(0, model.ledger.length + step.step);
      const facts = {
        step: at,
        from: cursorAt(at),
        to: cursorAt(at + 1),
        numExamples: globalBatch,
        gradientDigest: step.digest.repeat(16),
      };
      const real = await openRun(connection, runId).ledger.vote(
        view,
        step.member,
        facts,
        sums,
        step.state,
      );
      const modelled = model.vote(nowMs, view, step.member, facts, sums, step.state);
      return { real: isFirstOf(real), modelled: isFirstOf(modelled) };
    }
    case 'restore': {
      const entries = archive.slice(0, Math.max(0, archive.length - step.numDropped));
      const fencingEpoch = (model.view?.fencingEpoch ?? epoch) + step.epoch;
      const real = await openRun(connection, runId)
        .ledger.restore(storedOf(entries), fencingEpoch)
        .catch((error: unknown) => toBerthError(error).code);
      return { real, modelled: codeOf(model.restore(entries, fencingEpoch)) };
    }
    case 'post':
      await openRun(connection, runId).rendezvous.post('key', step.member, step.value);
      model.post('key', step.member, step.value);
      return {};
    case 'beat': {
      const info = infoOf(step.member);
      await createMembers(connection).heartbeat(info);
      model.members.heartbeat(nowMs, info);
      return {};
    }
    case 'leave':
      await createMembers(connection).leave(step.member);
      model.members.leave(step.member);
      return {};
    case 'flush':
      await connection.call((client) => client.flushall());
      model.flush();
      return {};
  }
}

/** A verdict without times, but with whether there was a step before. */
function isFirstOf(verdict: Verdict): object {
  if (!('beforeAtMs' in verdict)) return verdict;
  const { kind, head, committedAtMs, beforeAtMs } = verdict;
  return { kind, head, isFirst: beforeAtMs === 0, isOrdered: beforeAtMs <= committedAtMs };
}

/** Compares all that can be read. */
async function compare(model: RedisModel): Promise<void> {
  const { runId } = model;
  const entries = await openRun(connection, runId).ledger.entries(0, 100);
  const untimed = (entry: LedgerEntry): LedgerEntry => ({ ...entry, committedAtMs: 0 });
  expect(entries.map(untimed)).toEqual(model.ledger.map(untimed));
  expect(await openRun(connection, runId).views.current()).toEqual(model.view);
  expect(await openRun(connection, runId).rendezvous.read('key')).toEqual(model.read('key'));
  const live = await createMembers(connection, { ttlMs: 1_000_000 }).list();
  expect(live.map(({ info }) => info)).toEqual(model.members.list(Date.now(), 1_000_000));
}

function newestOf(error: unknown): number {
  const { code, details } = toBerthError(error);
  expect(code).toBe('QUEUE_STALE_EPOCH');
  return Number(details['newest']);
}

function refusalOf(error: unknown): { newest: number } | { inForce: number } {
  const { code, details } = toBerthError(error);
  if (code === 'QUEUE_VIEW_REPLACED') return { inForce: Number(details['inForce']) };
  return { newest: newestOf(error) };
}

function storedOf(entries: readonly LedgerEntry[]): StoredLedger {
  return {
    numSteps: entries.length,
    head: entries.at(-1)?.head ?? genesisHead,
    async *entries(fromStep) {
      yield entries.slice(fromStep);
    },
  };
}

function codeOf(result: RestoreResult): number | string {
  switch (result.kind) {
    case 'restored':
      return result.numCommitted;
    case 'stale':
      return 'QUEUE_STALE_EPOCH';
    case 'diverged':
      return 'LEDGER_DIVERGED';
  }
}

const infoOf = (memberId: string): MemberInfo =>
  liveMember(memberId, { state: 'idle', runId: 'run', step: -1 });

it('answers as the Lua scripts of a real Redis do', async () => {
  const heard = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 60 }), async (commands) => {
      await connection.call((client) => client.flushall());
      const model = new RedisModel('run');
      let archive: LedgerEntry[] = [];
      for (const step of commands) {
        const { real, modelled } = await both(model, archive, step);
        expect(real).toEqual(modelled);
        await compare(model);
        if (model.ledger.length > archive.length) archive = [...model.ledger];
        heard.add(`${step.kind}: ${model.ledger.length > 0 ? 'steps' : 'none'}`);
      }
    }),
    { numRuns: 150, seed: 3 },
  );
  expect(heard).toContain('restore: steps');
});
