import {
  BerthError,
  errorFromWire,
  errorToWire,
  isBerthError,
  isFinal,
  type RunRecord,
  type View,
  type WireError,
} from '@berth/contracts';
import { takeBack } from '../lifecycle/attempts.ts';
import type { RunChange } from '../lifecycle/decide-control.ts';
import { goBack } from '../lifecycle/go-back.ts';
import { coordinationTimes, runPatience } from '../run/coordination-times.ts';
import { foundDamaged } from '../run/diverged.ts';
import { decideRun } from '../run/run.ts';
import {
  newRunMemory,
  type RunDecision,
  type RunSight,
  type TrainingStatus,
} from '../run/run-state.ts';
import type { Cut, RunPorts } from './ports.ts';
import { RunPast } from './run-past.ts';
import { call, type Script } from './script.ts';
import { seatMembers } from './seat-members.ts';

/** What holds while the supervisor looks. */
export interface Moment {
  readonly fencingEpoch: number;
  /** The epoch with which this life of Redis began. */
  readonly serverEpoch: number;
  /** True when silence proves nothing: Redis was away, so nobody could beat. */
  readonly isLenient: boolean;
}

/** What members found, and where the run is. */
interface FoundDamage {
  readonly diverged: WireError;
  readonly reason: string;
  readonly numCommitted: number;
}

/** Takes one run from queued to its end, one small look at a time. Holds nothing that cannot be read again. */
export class RunSupervisor {
  readonly #ports: RunPorts;
  readonly #past: RunPast;
  #memory;
  /** Members that the log has named, as their heartbeats cannot be read. */
  readonly #unreadable = new Set<string>();

  constructor(ports: RunPorts) {
    this.#ports = ports;
    this.#past = new RunPast(ports);
    this.#memory = newRunMemory(ports.clock.nowMs());
  }

  /**
   * One look at the run.
   * @returns what to change in its record
   * @throws BerthError what ends the run, or a retryable error for the next look
   */
  *tick(record: RunRecord, moment: Moment): Script<RunChange | undefined> {
    const { status, requests } = record;
    if (status === 'stopping' && requests.kill) return yield* this.#kill(record, moment);
    // Not yet while it is queued: until its turn has come it can be withdrawn. Whatever it is asked for since, nothing is
    // trained or saved on steps that are given up.
    if (requests.cut !== null && status !== 'queued' && !isFinal(status))
      return yield* this.#rewind(record, requests.cut, moment);
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
        yield* this.#past.restore(moment.fencingEpoch, record.attempts);
        return yield* this.#train(record, status, moment);
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
  *fence(fencingEpoch: number, reason: string): Script<View> {
    const { views } = this.#ports;
    const before = yield* call(views.current());
    if (before?.members.length === 0) return before;
    const draft = { fencingEpoch, mode: 'train' as const, reason, members: [] };
    return yield* call(views.publish(draft, before?.version));
  }

  *#rewind(
    { requests, attempts, keptSteps }: RunRecord,
    cut: Cut,
    { fencingEpoch }: Moment,
  ): Script<RunChange> {
    const fence = yield* this.fence(fencingEpoch, `going back to step ${cut.toStep}`);
    try {
      yield* this.#past.rewind(cut, attempts, fence, fencingEpoch);
    } catch (error) {
      if (!isBerthError(error) || error.code !== 'CHECKPOINT_NOT_FOUND') throw error;
      return {
        status: 'failed',
        reason: error.message,
        error: errorToWire(error),
        requests: { ...requests, cut: null },
        attempts: takeBack(attempts),
      };
    }
    return {
      requests: { ...requests, cut: null },
      keptSteps: keptSteps.filter((step) => step <= cut.toStep),
      reason: `went back to step ${cut.toStep}`,
    };
  }

  *#kill(record: RunRecord, moment: Moment): Script<RunChange> {
    const { views, past } = this.#ports;
    const numCommitted = yield* this.numCommitted();
    const view = yield* call(views.current());
    const { live } = yield* this.#liveMembers(moment);
    const damage = foundDamaged(view, live, numCommitted);
    // Members forget what they found when their attempt ends.
    if (damage !== undefined)
      return yield* this.#goBack(record, { ...damage, numCommitted }, moment);
    yield* this.fence(moment.fencingEpoch, 'killed');
    const saved = yield* call(past.newestListed());
    return {
      status: 'stopped',
      reason: `killed at step ${numCommitted}; the newest checkpoint holds step ${saved}`,
    };
  }

  *#train(record: RunRecord, status: TrainingStatus, moment: Moment): Script<RunChange> {
    const { train, cluster } = record.config;
    const { clock, data, decide = decideRun } = this.#ports;
    const { fencingEpoch } = moment;
    const sight = yield* this.#look(record, status, moment);
    yield* this.#past.restore(fencingEpoch, record.attempts, behindIn(sight));
    const decision = decide(clock.nowMs(), this.#memory, sight, {
      numSteps: train.numSteps,
      minWorkers: cluster.minWorkers,
      wantedWorkers: cluster.numWorkers,
      virtualRanks: train.virtualRanks,
      stepTimeoutMs: cluster.stepTimeoutMs,
      ...runPatience,
    });
    this.#memory = decision.memory;
    const { reason } = decision;
    const { numCommitted } = sight;
    switch (decision.kind) {
      case 'end':
        // A completed run has no step left; any other might see one committed by a member that comes back.
        if (decision.status !== 'completed' && sight.view !== undefined)
          yield* this.fence(fencingEpoch, reason);
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
      case 'goBack': {
        const { diverged } = decision;
        return yield* this.#goBack(record, { diverged, reason, numCommitted }, moment);
      }
      default:
    }
    if (isEnding(status)) return yield* this.#goOn(record, sight, decision, moment);
    const lacking = yield* call(data.supply(record, numCommitted));
    // The reason of a view stays with it.
    const isTold = lacking !== '' && decision.kind !== 'publish';
    const told = isTold ? { ...decision, reason: `${reason}; ${lacking}` } : decision;
    return yield* this.#goOn(record, sight, told, moment);
  }

  /** Takes the run back to its newest checkpoint: all of those were made of equal states. */
  *#goBack(
    record: RunRecord,
    { diverged, reason, numCommitted }: FoundDamage,
    { fencingEpoch }: Moment,
  ): Script<RunChange> {
    const { past, clock, listener } = this.#ports;
    const toStep = yield* call(past.newestWhole(record.attempts, numCommitted));
    const change = goBack(record, { nowMs: clock.timeMs(), numCommitted, toStep, reason });
    // Whoever has not heard yet might add a step to those that are given up, or to a run that rests.
    yield* this.fence(fencingEpoch, reason);
    yield* call(listener.diverged(record, diverged, `goes back to step ${toStep}`));
    // Members forget what they hold once they see the record, and a Redis that comes back older knows nothing of it.
    const updatedAtMs = clock.timeMs();
    yield* call(this.#ports.keepRecord({ ...record, ...change, updatedAtMs }));
    return change;
  }

  *#look(record: RunRecord, status: TrainingStatus, moment: Moment): Script<RunSight> {
    const { runId, past, views } = this.#ports;
    const { attempts, config } = record;
    const wantsCheckpoint = record.requests.checkpoint;
    const numCommitted = yield* this.numCommitted();
    const hasAll = numCommitted >= config.train.numSteps;
    const matters = hasAll || wantsCheckpoint || isEnding(status);
    return {
      runId,
      status,
      wantsCheckpoint,
      numerics: record.numerics ?? undefined,
      numCommitted,
      isSaved: matters && (yield* call(past.isSaved(numCommitted, attempts))),
      isEvaluated:
        (hasAll || numCommitted === 0) && (yield* this.#isEvaluated(record, numCommitted)),
      view: yield* call(views.current()),
      fencingEpoch: moment.fencingEpoch,
      serverEpoch: moment.serverEpoch,
      ...(yield* this.#liveMembers(moment)),
    };
  }

  *#isEvaluated({ attempts, config }: RunRecord, step: number): Script<boolean> {
    if (config.corpus.heldOutRatio === 0) return true;
    if (step === 0 && config.train.evalEverySteps === 0) return true;
    return yield* call(this.#ports.past.isEvaluated(step, attempts));
  }

  /** @throws BerthError `QUEUE_UNREACHABLE` when Redis stood still, so that everyone looks dead to it */
  *#liveMembers({ isLenient }: Moment): Script<Pick<RunSight, 'live' | 'unreadable'>> {
    const { clock, members, logger } = this.#ports;
    const askedMs = clock.nowMs();
    const { live, unreadable } = yield* call(members.survey({ forget: !isLenient }));
    const tookMs = clock.nowMs() - askedMs;
    if (tookMs > coordinationTimes.trustedAnswerMs)
      throw new BerthError(
        'QUEUE_UNREACHABLE',
        `Redis took ${Math.round(tookMs)} ms to answer; who beat meanwhile is not known yet`,
      );
    for (const { memberId, problem } of unreadable) {
      if (this.#unreadable.has(memberId)) continue;
      this.#unreadable.add(memberId);
      logger.warn('A worker speaks another version and is left out', { memberId, problem });
    }
    return { live: live.map(({ info }) => info), unreadable };
  }

  *#goOn(
    record: RunRecord,
    { status, view, live }: RunSight,
    decision: Extract<RunDecision, { kind: 'wait' | 'keep' | 'publish' }>,
    { fencingEpoch }: Moment,
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
      const { listener, views, logger } = this.#ports;
      const { members, mode, diverged } = decision;
      if (diverged !== undefined) yield* call(listener.diverged(record, diverged, 'heals'));
      const seated = seatMembers(members, record.config.train.virtualRanks);
      const draft = { fencingEpoch, mode, reason, members: seated };
      const published = yield* call(views.publish(draft, view?.version));
      const { version, fromStep } = published;
      logger.info('Published a view', { version, step: fromStep, reason });
      listener.published({ before: view, view: published, live });
    }
    if (isEnding(status)) return { numerics, reason };
    return { numerics, reason, status: decision.isShort ? 'degraded' : 'running' };
  }
}

function isEnding(status: TrainingStatus): boolean {
  return status === 'stopping' || status === 'pausing';
}

/** The view of which a member complains that the ledger ends before what is in the bucket; '' when none does. */
function behindIn({ view, live }: RunSight): string {
  const isBehind = live.some(
    ({ complaint }) =>
      complaint?.viewVersion === view?.version && complaint?.error.code === 'LEDGER_BEHIND',
  );
  return isBehind ? `view ${view?.version}` : '';
}
