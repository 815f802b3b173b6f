import { BerthError, type NewRunEvent, type RunRecord } from '@berth/contracts';
import { coordinationTimes } from '../run/coordination-times.ts';
import type { RunSnapshot, TrainingStatus } from '../run/run-state.ts';
import type { RunPorts } from './ports.ts';
import { call, type Script } from './script.ts';

/** What holds while the supervisor looks. */
export interface TickContext {
  readonly fencingEpoch: number;
  /** The epoch with which this life of Redis began. */
  readonly serverEpoch: number;
  /** True when silence proves nothing: Redis was away, so nobody could beat. */
  readonly isLenient: boolean;
}

/** What the supervisor of a run sees of it. */
export class RunObserver {
  readonly #ports: RunPorts;
  /** What was last heard of members, by id. */
  readonly lastHeard = new Map<string, NonNullable<NewRunEvent['lastHeard']>>();
  /** Members that the log has named, as their heartbeats cannot be read. */
  readonly #unreadable = new Set<string>();

  constructor(ports: RunPorts) {
    this.#ports = ports;
  }

  /** One look at a run in training. */
  *observe(record: RunRecord, status: TrainingStatus, context: TickContext): Script<RunSnapshot> {
    const { runId, ledger, past, views, relay } = this.#ports;
    const { attempts, config } = record;
    const wantsCheckpoint = record.requests.checkpoint;
    const numCommitted = yield* call(ledger.numCommitted());
    const hasAll = numCommitted >= config.train.numSteps;
    const matters = hasAll || wantsCheckpoint || isEnding(status);
    return {
      runId,
      status,
      wantsCheckpoint,
      savedStep: wantsCheckpoint ? yield* call(past.newestListed(attempts)) : 0,
      numerics: record.numerics ?? undefined,
      numCommitted,
      isSaved: matters && (yield* call(past.isSaved(numCommitted, attempts))),
      isEvaluated:
        (hasAll || numCommitted === 0) && (yield* this.#isEvaluated(record, numCommitted)),
      view: yield* call(views.current()),
      fencingEpoch: context.fencingEpoch,
      serverEpoch: context.serverEpoch,
      hasRelay: relay !== undefined,
      ...(yield* this.liveMembers(context)),
    };
  }

  *#isEvaluated({ attempts, config, datasetSettings }: RunRecord, step: number): Script<boolean> {
    if ((datasetSettings ?? config.corpus)?.heldOutRatio === 0) return true;
    if (step === 0 && config.train.evalEverySteps === 0) return true;
    return yield* call(this.#ports.past.isEvaluated(step, attempts));
  }

  /** @throws BerthError `QUEUE_UNREACHABLE` when Redis stood still, so that everyone looks dead to it */
  *liveMembers({ isLenient }: TickContext): Script<Pick<RunSnapshot, 'live' | 'unreadable'>> {
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
    const timeMs = clock.timeMs();
    for (const { info, ageMs } of live)
      this.lastHeard.set(info.memberId, { info, timeMs: timeMs - ageMs });
    return { live: live.map(({ info }) => info), unreadable };
  }
}

/** Whether a run is to be saved and to rest. */
export function isEnding(status: TrainingStatus): boolean {
  return status === 'stopping' || status === 'pausing';
}
