import { BerthError, type Logger, type RunRecord } from '@berth/contracts';
import { memberTtlMs, type LeadingPorts, type RunPorts } from '../index.ts';
import { call } from '../leading/script.ts';
import { brokenDecision } from './broken-decision.ts';
import { requireDone, staleEpoch } from './refusals.ts';
import { openSimPast } from './sim-past.ts';
import type { RedisModel } from './redis-model.ts';
import { callOf, inOneCall } from './script.ts';
import type { SimCalls } from './sim-calls.ts';
import { runId, runNumerics, type World } from './world.ts';

/** Redis, the bucket and the clock of the simulation, as a coordinator asks for them. */
export function leadingPorts(world: World, calls: SimCalls, logger: Logger): LeadingPorts {
  const { invariants, sabotage } = world;
  const { process } = calls;
  return {
    clock: calls.clock,
    logger,
    awaitNews: newsOf(world, calls),
    openRun: () => openSimRun(world, calls, logger),
    runs: {
      active: () => calls.redis((redis) => redis.runs.active),
      read: () => calls.redis(recordIn),
      survey: () =>
        calls.redis(recordIn, (record) => ({
          records: record === undefined ? [] : [record],
          unreadable: [],
        })),
      update: (known, change, fencingEpoch) =>
        calls.redis((redis) => {
          const outcome = redis.runs.update(known, change, fencingEpoch);
          if (outcome === 'done') invariants.checkRecordChange(process.name, fencingEpoch);
          return outcome;
        }, requireDone),
      setActive: (active, expected, fencingEpoch) =>
        calls.redis((redis) => redis.runs.setActive(active, expected, fencingEpoch), requireDone),
    },
    keeping: {
      restore: ({ isOlder }) =>
        inOneCall(function* () {
          const copy = yield* call(calls.store((store) => store.archived));
          const mayBeOlder = isOlder && sabotage !== 'no-older-watch';
          if (copy !== undefined)
            yield* call(calls.redis((redis) => redis.runs.putBack(copy, { isOlder: mayBeOlder })));
        }),
      noteRestored: (fencingEpoch) =>
        calls.redis(
          ({ lease }) => lease.noteRestored(fencingEpoch),
          (newest) => {
            if (newest !== undefined) throw staleEpoch(newest);
          },
        ),
      // Stored in its own time.
      note: () =>
        calls.redis(recordIn, (record) => {
          if (record === undefined) return;
          const ignore = (): void => undefined;
          calls.store((store) => store.archive(record)).then(ignore, ignore);
        }),
    },
  };
}

function openSimRun(world: World, calls: SimCalls, logger: Logger): RunPorts {
  const { invariants, sabotage, dead } = world;
  return {
    runId,
    clock: calls.clock,
    logger,
    past: openSimPast(world, calls),
    decide: brokenDecision(world, calls.process.name),
    data: {
      prepare: () => calls.at({ status: 'starting' as const, reason: 'all data is there' }),
      supply: () => calls.at(''),
    },
    keepRecord: (record) => calls.store((store) => store.archive(record)),
    members: {
      survey: ({ forget }) =>
        calls.redis(
          (redis, nowMs) => redis.members.list(nowMs, forget ? memberTtlMs : Infinity),
          (live) => {
            invariants.checkLive(live, dead, !forget);
            const seen = sabotage === 'no-fingerprint' ? { numerics: runNumerics } : {};
            return {
              live: live.map((info) => ({ info: { ...info, ...seen }, ageMs: 0 })),
              unreadable: [],
            };
          },
        ),
    },
    ledger: {
      numCommitted: () => calls.redis((redis) => redis.ledger.length),
      rewind: (toStep, madeAt, fencingEpoch) =>
        calls.redis(
          (redis) => {
            const isAgain = redis.record.requests.rewind === null;
            if (isAgain && sabotage === 'no-rewind-again') return undefined;
            const refusal = redis.rewind(toStep, madeAt, fencingEpoch);
            if (refusal !== undefined) return refusal;
            invariants.wentBack(redis.ledger.length);
            return undefined;
          },
          (refusal) => {
            if (refusal !== undefined) throw staleEpoch(refusal.newest);
            return world.redis.ledger.length;
          },
        ),
    },
    views: {
      current: () => calls.redis((redis) => redis.view),
      publish: (draft, replaces = 0, events) =>
        calls.redis(
          (redis) => {
            const { view } = redis;
            const isGoingBack = draft.members.length === 0 && /damaged/.test(draft.reason);
            if (sabotage === 'no-go-back-fence' && isGoingBack && view !== undefined) return view;
            const result = redis.publish(draft, replaces, events);
            if ('members' in result) invariants.checkView(result);
            return result;
          },
          (published) => {
            if ('newest' in published) throw staleEpoch(published.newest);
            if ('inForce' in published) {
              const details = { inForce: published.inForce };
              throw new BerthError('QUEUE_VIEW_REPLACED', 'another view is in force', { details });
            }
            world.hint(world.viewHints);
            return published;
          },
        ),
    },
  };
}

function recordIn(redis: RedisModel): RunRecord | undefined {
  return redis.runs.hasRecord ? redis.record : undefined;
}

/** As hints come from Redis: one that came since the last wait ends the next at once. */
function newsOf({ memberHints }: World, { process }: SimCalls): LeadingPorts['awaitNews'] {
  let hasNews = false;
  let wake = (): void => undefined;
  memberHints.add(() => {
    hasNews = true;
    wake();
  });
  return (timeoutMs) =>
    callOf((done) => {
      let isOpen = true;
      const end = (): void => {
        if (!isOpen) return;
        isOpen = false;
        const hadNews = hasNews;
        hasNews = false;
        done(hadNews);
      };
      wake = () => process.after(0, end);
      if (hasNews) wake();
      else process.after(timeoutMs, end);
    });
}
