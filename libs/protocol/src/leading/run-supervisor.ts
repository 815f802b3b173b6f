import {
  BerthError,
  errorFromWire,
  errorToWire,
  isBerthError,
  isFinal,
  type NewRunEvent,
  type RunRecord,
  type View,
  type WireError,
} from '@berth/contracts';
import { takeBack } from '../lifecycle/attempts.ts';
import type { RunChange } from '../lifecycle/control-decision.ts';
import { goBack } from '../lifecycle/go-back.ts';
import { runPatience } from '../run/coordination-times.ts';
import { foundDamaged } from '../run/diverged.ts';
import { eventOfDivergence, eventsOfView } from '../run/run-events.ts';
import { decideRun } from '../run/run.ts';
import {
  newRunMemory,
  type RunDecision,
  type RunSnapshot,
  type TrainingStatus,
} from '../run/run-state.ts';
import type { ViewDraft } from '../run/view-draft.ts';
import type { Rewind, RunPorts } from './ports.ts';
import { isEnding, RunObserver, type TickContext } from './run-observer.ts';
import { RunPast } from './run-past.ts';
import { call, type Script } from './script.ts';
import { assignMembers, needsRelay } from './assign-members.ts';

/** What members found, and where the run is. */
interface FoundDamage {
  readonly diverged: WireError;
  readonly reason: string;
  readonly numCommitted: number;
  readonly live: RunSnapshot['live'];
}

/** Takes one run from queued to its end, one small look at a time. Holds nothing that cannot be read again. */
export class RunSupervisor {
  readonly #ports: RunPorts;
  readonly #past: RunPast;
  readonly #observer: RunObserver;
  #memory;

  constructor(ports: RunPorts) {
    this.#ports = ports;
    this.#past = new RunPast(ports);
    this.#observer = new RunObserver(ports);
    this.#memory = newRunMemory(ports.clock.nowMs());
  }

  /**
   * One look at the run.
   * @returns what to change in its record
   * @throws BerthError what ends the run, or a retryable error for the next look
   */
  *tick(record: RunRecord, context: TickContext): Script<RunChange | undefined> {
    const { status, requests } = record;
    if (status === 'stopping' && requests.kill) return yield* this.#kill(record, context);
    // Not yet while it is queued: until its turn has come it can be withdrawn. Whatever it is asked for since, nothing is
    // trained or saved on steps that are given up.
    if (requests.rewind !== null && status !== 'queued' && !isFinal(status))
      return yield* this.#rewind(record, requests.rewind, context);
    switch (status) {
      case 'queued':
        return { status: 'preparing', reason: 'asking for the dataset' };
      case 'preparing':
        return yield* call(this.#ports.data.prepare(record));
      case 'starting':
      case 'running':
      case 'degraded':
      case 'recovering':
      case 'pausing':
      case 'stopping':
        yield* this.#past.restore(context.fencingEpoch, record.attempts);
        return yield* this.#train(record, status, context);
      case 'paused':
      case 'stopped':
      case 'completed':
      case 'failed':
        return undefined;
    }
  }

  numCommitted(): Script<number> {
    return call(this.#ports.ledger.numCommitted());
  }

  /** Puts a view without members in force: whoever still trains commits nothing more. */
  *fence(
    record: RunRecord,
    { fencingEpoch }: TickContext,
    reason: string,
    found: { readonly live?: RunSnapshot['live']; readonly events?: readonly NewRunEvent[] } = {},
  ): Script<View> {
    const before = yield* call(this.#ports.views.current());
    if (before?.members.length === 0) return before;
    const draft = { fencingEpoch, mode: 'train' as const, reason, members: [] };
    return yield* this.#publish(record, before, draft, found);
  }

  /** Replaces the view, and says who joins, leaves and is lost by that. */
  #publish(
    record: RunRecord,
    before: View | undefined,
    draft: ViewDraft,
    { live, events = [] }: { live?: RunSnapshot['live']; events?: readonly NewRunEvent[] },
  ): Script<View> {
    const { clock, views } = this.#ports;
    const [timeMs, lastHeard] = [clock.timeMs(), this.#observer.lastHeard];
    const changes = eventsOfView({ record, timeMs, before, draft, live, lastHeard });
    return call(views.publish(draft, before?.version, [...events, ...changes]));
  }

  *#rewind(record: RunRecord, rewind: Rewind, context: TickContext): Script<RunChange> {
    const { requests, attempts, keptSteps } = record;
    const fence = yield* this.fence(record, context, `going back to step ${rewind.toStep}`);
    try {
      yield* this.#past.rewind(rewind, attempts, fence, context.fencingEpoch);
    } catch (error) {
      if (!isBerthError(error) || error.code !== 'CHECKPOINT_NOT_FOUND') throw error;
      return {
        status: 'failed',
        reason: error.message,
        error: errorToWire(error),
        requests: { ...requests, rewind: null },
        attempts: takeBack(attempts),
      };
    }
    return {
      requests: { ...requests, rewind: null },
      keptSteps: keptSteps.filter((step) => step <= rewind.toStep),
      reason: `went back to step ${rewind.toStep}`,
    };
  }

  *#kill(record: RunRecord, context: TickContext): Script<RunChange> {
    const { views, past } = this.#ports;
    const numCommitted = yield* this.numCommitted();
    const view = yield* call(views.current());
    const { live } = yield* this.#observer.liveMembers(context);
    const damage = foundDamaged(view, live, numCommitted);
    // Members forget what they found when their attempt ends.
    if (damage !== undefined)
      return yield* this.#goBack(record, { ...damage, numCommitted, live }, context);
    yield* this.fence(record, context, 'killed', { live });
    const saved = yield* call(past.newestListed(record.attempts));
    return {
      status: 'stopped',
      reason: `killed at step ${numCommitted}; the newest checkpoint holds step ${saved}`,
    };
  }

  *#train(record: RunRecord, status: TrainingStatus, context: TickContext): Script<RunChange> {
    const { train, cluster } = record.config;
    const { clock, data, decide = decideRun } = this.#ports;
    const snapshot = yield* this.#observer.observe(record, status, context);
    yield* this.#past.restore(context.fencingEpoch, record.attempts, behindIn(snapshot));
    const decision = decide(clock.nowMs(), this.#memory, snapshot, {
      numSteps: train.numSteps,
      minWorkers: cluster.minWorkers,
      wantedWorkers: cluster.numWorkers,
      virtualRanks: train.virtualRanks,
      stepTimeoutMs: cluster.stepTimeoutMs,
      maxUnsavedMs: train.maxUnsavedMs,
      ...runPatience,
    });
    this.#memory = decision.memory;
    const { reason } = decision;
    const { numCommitted, live } = snapshot;
    switch (decision.kind) {
      case 'end':
        // A completed run has no step left; any other might see one committed by a member that comes back.
        if (decision.status !== 'completed' && snapshot.view !== undefined)
          yield* this.fence(record, context, reason, { live });
        return { status: decision.status, reason };
      case 'readAgain':
        // A lease that knows less than an epoch that was used begins the next one.
        throw new BerthError('QUEUE_STALE_EPOCH', reason, {
          details: { newest: decision.usedEpoch },
        });
      case 'fail':
        throw errorFromWire(decision.error);
      case 'saved': {
        const keptSteps = [...new Set([...record.keptSteps, decision.step])].sort((a, b) => a - b);
        return { requests: { ...record.requests, checkpoint: false }, keptSteps, reason };
      }
      case 'hold':
        yield* this.fence(record, context, reason, { live });
        return { status: 'recovering', reason };
      case 'goBack': {
        const { diverged } = decision;
        return yield* this.#goBack(record, { diverged, reason, numCommitted, live }, context);
      }
      default:
    }
    // A run that is to rest finishes the step under way, which may wait for its examples.
    const needsExamples =
      !isEnding(status) || (decision.kind === 'keep' && snapshot.view?.mode === 'train');
    const lacking = needsExamples ? yield* call(data.supply(record, numCommitted)) : '';
    // The reason of a view stays with it.
    const isTold = lacking !== '' && decision.kind !== 'publish';
    const told = isTold ? { ...decision, reason: `${reason}; ${lacking}` } : decision;
    return yield* this.#carryOut(record, snapshot, told, context);
  }

  /** Takes the run back to its newest checkpoint: all of those were made of equal states. */
  *#goBack(
    record: RunRecord,
    { diverged, reason, numCommitted, live }: FoundDamage,
    context: TickContext,
  ): Script<RunChange> {
    const { past, clock } = this.#ports;
    const toStep = yield* call(past.newestWhole(record.attempts, numCommitted));
    const change = goBack(record, { nowMs: clock.timeMs(), numCommitted, toStep, reason });
    // Whoever has not heard yet might add a step to those that are given up, or to a run that rests.
    const events = [
      eventOfDivergence(record, clock.timeMs(), diverged, `goes back to step ${toStep}`),
    ];
    yield* this.fence(record, context, reason, { live, events });
    // Members forget what they hold once they see the record, and a Redis that comes back older knows nothing of it.
    const updatedAtMs = clock.timeMs();
    yield* call(this.#ports.keepRecord({ ...record, ...change, updatedAtMs }));
    return change;
  }

  *#carryOut(
    record: RunRecord,
    { status, view, live }: RunSnapshot,
    decision: Extract<RunDecision, { kind: 'wait' | 'keep' | 'publish' }>,
    { fencingEpoch }: TickContext,
  ): Script<RunChange> {
    const { reason } = decision;
    if (decision.kind === 'wait')
      return isEnding(status) || status === 'starting'
        ? { reason }
        : { status: 'recovering', reason };
    const [first] = decision.kind === 'publish' ? decision.members : [];
    // A record of an older release gets the fingerprint of its first member.
    const numerics =
      first === undefined ? record.numerics : { ...first.numerics, ...record.numerics };
    // Recorded before anyone trains by it, whatever happens in between.
    if (numerics?.fingerprint !== record.numerics?.fingerprint) return { numerics, reason };
    if (decision.kind === 'publish') {
      const { clock, logger, relay } = this.#ports;
      const { members, mode, savesFirst, diverged } = decision;
      const events =
        diverged === undefined
          ? []
          : [eventOfDivergence(record, clock.timeMs(), diverged, 'heals')];
      const assigned = assignMembers(members, record.config.train.virtualRanks);
      const saves = savesFirst && { savesFirst };
      const relayed = needsRelay(assigned) && relay && { relay };
      const draft = { fencingEpoch, mode, ...saves, ...relayed, reason, members: assigned };
      const published = yield* this.#publish(record, view, draft, { live, events });
      const { version, fromStep } = published;
      logger.info('Published a view', { version, step: fromStep, reason });
    }
    if (isEnding(status)) return { numerics, reason };
    return { numerics, reason, status: decision.isShort ? 'degraded' : 'running' };
  }
}

/** The view of which a member complains that the ledger ends before what is in the bucket; '' when none does. */
function behindIn({ view, live }: RunSnapshot): string {
  const isBehind = live.some(
    ({ complaint }) =>
      complaint?.viewVersion === view?.version && complaint?.error.code === 'LEDGER_BEHIND',
  );
  return isBehind ? `view ${view?.version}` : '';
}
