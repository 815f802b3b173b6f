import { BerthError, type LedgerEntry } from '@berth/contracts';
import type { PastPort } from '../index.ts';
import { call, type Script } from '../leading/script.ts';
import { staleEpoch } from './refusals.ts';
import { inOneCall } from './script.ts';
import type { SimCalls } from './sim-calls.ts';
import type { World } from './world.ts';

/** Fewer than production's, as runs are short: a restore can end half-way. */
const entriesPerPage = 7;

/** A run's past in simulated Redis and bucket, as the functions of `@berth/checkpoint` and the ledger's `restore` read and write it. */
export function openSimPast(world: World, calls: SimCalls): PastPort {
  const { redis: model, sabotage, invariants, trace } = world;

  /** Page by page: whoever dies over it leaves a part. */
  function* putBack(entries: readonly LedgerEntry[], fencingEpoch: number): Script<undefined> {
    const numCommitted = yield* call(calls.redis((redis) => redis.ledger.length));
    if (sabotage === 'half-restore' && numCommitted > 0) return undefined;
    invariants.restores(entries.length);
    for (let end = numCommitted; end < entries.length;) {
      end = Math.min(entries.length, end + entriesPerPage);
      const page = entries.slice(0, end);
      const result = yield* call(calls.redis((redis) => redis.restore(page, fencingEpoch)));
      trace.note(calls.process.name, `restore of ${end} steps: ${result.kind}`);
      if (result.kind === 'stale') throw staleEpoch(result.newest);
      if (result.kind === 'diverged')
        throw new BerthError('LEDGER_DIVERGED', 'the ledger holds other entries');
    }
    return undefined;
  }

  return {
    newest: (attempts, maxStep) =>
      inOneCall(function* () {
        const isRewinding = model.record.requests.rewind !== null;
        if (sabotage === 'no-restore' && !isRewinding) return undefined;
        const found = yield* call(
          calls.store((store) => store.newestValid(attempts, maxStep), 'list'),
        );
        if (found === undefined) return undefined;
        const { step, entries } = found;
        return { step, putBack: (epoch) => inOneCall(() => putBack(entries, epoch)) };
      }),

    newestWhole: (attempts, maxStep) =>
      calls.store((store) => store.newestValid(attempts, maxStep)?.step ?? 0),

    pin: (step, attempts, fencingEpoch) =>
      inOneCall(function* () {
        const found = yield* call(
          calls.store(
            (store) => store.onLine(attempts).findLast((one) => one.step === step),
            'list',
          ),
        );
        if (found === undefined) return false;
        const line = { attempt: attempts.at(-1)?.attempt ?? 1, fencingEpoch };
        const key = world.keyOf(line, step);
        if (sabotage !== 'no-pin')
          yield* call(calls.store((store) => store.putManifest({ ...found, ...line, key }), 'put'));
        invariants.saved(line.attempt, step);
        return true;
      }),

    branch: (attempt) => calls.store((store) => store.branches.get(attempt)),

    fileBranch: ({ toStep, attempt, askedAtMs }, { fencingEpoch, version }) => {
      const branch = { fromStep: toStep, askedAtMs, fencingEpoch, viewVersion: version };
      return calls.store((store) => {
        store.branches.set(attempt, branch);
        return branch;
      });
    },

    listAgain: (attempts) =>
      inOneCall(function* () {
        yield* call(calls.redis((redis) => redis.notes.forgetCheckpoints(attempts)));
        const listed = yield* call(calls.store((store) => store.onLine(attempts)));
        yield* call(
          calls.redis((redis) => {
            for (const { step, attempt } of listed)
              if (!redis.notes.hasCheckpoint(step, redis.record.attempts))
                redis.notes.addCheckpoint(step, attempt);
          }),
        );
      }),

    isSaved: (step) =>
      calls.redis((redis) => redis.notes.hasCheckpoint(step, redis.record.attempts)),
    newestListed: () => calls.redis((redis) => redis.notes.newestCheckpoint),
    isEvaluated: (step) => calls.redis((redis) => redis.notes.hasEvaluation(step)),
  };
}
