import {
  errorToWire,
  isBerthError,
  isFinal,
  noRequests,
  toBerthError,
  type Logger,
  type RunRecord,
} from '@berth/contracts';
import { endAttempt } from '../lifecycle/attempts.ts';
import type { RunChange } from '../lifecycle/control-decision.ts';
import { isInScope, queueOf, type Scope } from '../lifecycle/queue.ts';
import { coordinationTimes } from '../run/coordination-times.ts';
import type { LeaseAnswer } from '../run/decide-lease.ts';
import type { LeadingPorts } from './ports.ts';
import type { TickContext } from './run-observer.ts';
import { RunSupervisor } from './run-supervisor.ts';
import { call, type Script } from './script.ts';

const { tickMs, afterNewsMs, afterErrorMs, outageGraceMs } = coordinationTimes;
const keepEveryMs = 1_000;

/** The lease, while this coordinator holds it. */
export type Lease = Omit<Extract<LeaseAnswer, { held: true }>, 'held'>;

/** One epoch of holding the lease: nothing that was remembered about Redis outlives it. */
interface Term {
  readonly fencingEpoch: number;
  /** Run and attempt that the supervisor is for. */
  supervised: string;
  supervisor: RunSupervisor | undefined;
}

/**
 * Drives one run at a time from queued to its end, while it holds the lease. All it knows is in Redis and the bucket,
 * so another coordinator can take over at any moment.
 */
export class Controller {
  readonly #ports: LeadingPorts;
  /** What it may take up; undefined for all runs. */
  readonly #scope: Scope | undefined;
  #lease: Lease | undefined;
  #usedEpoch = 0;
  #term: Term | undefined;
  #keptMs = -Infinity;
  #isAfterOutage = false;
  #lenientUntilMs = -Infinity;

  constructor(ports: LeadingPorts, scope?: Scope) {
    this.#ports = ports;
    this.#scope = scope;
  }

  /** Epochs up to this one are known to have been used. */
  get usedEpoch(): number {
    return this.#usedEpoch;
  }

  /** From now on it leads, or leads no more. */
  hold(lease: Lease | undefined): void {
    this.#lease = lease;
  }

  /** One look after the other, each after a while or soon after news of a member. */
  *run(isOver: () => boolean): Script<void> {
    const { clock, logger } = this.#ports;
    let hadNews = false;
    while (!isOver()) {
      hadNews = yield* call(this.#ports.awaitNews(hadNews ? afterNewsMs : tickMs));
      try {
        yield* this.#tick();
      } catch (error) {
        logger.warn('Coordination is delayed', { error: errorToWire(error) });
        const { code, details } = toBerthError(error);
        this.#isAfterOutage = code === 'QUEUE_UNREACHABLE';
        if (code === 'QUEUE_STALE_EPOCH')
          this.#usedEpoch = Math.max(this.#usedEpoch, Number(details['newest']));
        yield* call(clock.sleep(afterErrorMs));
      }
    }
  }

  *#tick(): Script<void> {
    const { clock, runs, keeping } = this.#ports;
    if (this.#isAfterOutage) {
      yield* call(runs.active());
      this.#lenientUntilMs = clock.nowMs() + outageGraceMs;
      this.#isAfterOutage = false;
    }
    if (this.#lease === undefined) return;
    const { fencingEpoch, serverEpoch, isRestored } = this.#lease;
    if (this.#term?.fencingEpoch !== fencingEpoch) {
      // A new epoch may mean that Redis has lost its data: nothing remembered about it holds.
      yield* call(keeping.restore({ isOlder: !isRestored }));
      if (!isRestored) yield* call(keeping.noteRestored(fencingEpoch));
      this.#term = { fencingEpoch, supervised: '', supervisor: undefined };
    }
    if (clock.nowMs() - this.#keptMs >= keepEveryMs) {
      yield* call(keeping.note());
      this.#keptMs = clock.nowMs();
    }
    const record = yield* this.#activeRun(fencingEpoch);
    if (record === undefined) {
      this.#term.supervisor = undefined;
      return;
    }
    const { supervisor, logger } = this.#supervise(this.#term, record);
    const isLenient = clock.nowMs() < this.#lenientUntilMs;
    yield* this.#advance(supervisor, record, logger, { fencingEpoch, serverEpoch, isLenient });
  }

  #supervise(term: Term, record: RunRecord): { supervisor: RunSupervisor; logger: Logger } {
    const { attempt, startedAtMs } = record.attempts.at(-1) ?? {};
    const name = `${record.runId}/${record.attempts.length}/${startedAtMs}`;
    if (term.supervised !== name) term.supervisor = undefined;
    term.supervised = name;
    const logger = this.#ports.logger.child({ runId: record.runId, attempt });
    term.supervisor ??= new RunSupervisor(this.#ports.openRun(record.runId, logger));
    return { supervisor: term.supervisor, logger };
  }

  /** The run to work on; when the last one has ended or rests, the next in the queue. */
  *#activeRun(fencingEpoch: number): Script<RunRecord | undefined> {
    const { runs } = this.#ports;
    const scope = this.#scope;
    const activeId = yield* call(runs.active());
    const active = activeId === undefined ? undefined : yield* this.#readable(activeId);
    if (active !== undefined && !isFinal(active.status) && isInScope(active, scope)) return active;
    const { records, unreadable } = yield* call(runs.survey());
    const [next] = queueOf(records, scope);
    // What only another version of berth can read is left to it while there is nothing else to do.
    const isLeft = activeId === undefined || unreadable.some(({ runId }) => runId === activeId);
    if (next === undefined && isLeft) return undefined;
    yield* call(runs.setActive(next?.runId, activeId, fencingEpoch));
    return next;
  }

  /** A run's record; undefined when there is none, or none that can be read. */
  *#readable(runId: string): Script<RunRecord | undefined> {
    try {
      return yield* call(this.#ports.runs.read(runId));
    } catch (error) {
      if (isBerthError(error) && error.code === 'RUN_STATE_CONFLICT') return undefined;
      throw error;
    }
  }

  *#advance(
    supervisor: RunSupervisor,
    record: RunRecord,
    logger: Logger,
    context: TickContext,
  ): Script<void> {
    const change = yield* changeOf(supervisor, record, logger, context);
    if (change === undefined) return;
    const isNews = Object.entries(change).some(
      ([key, value]) => record[key as keyof RunRecord] !== value,
    );
    if (!isNews) return;
    const { clock, runs } = this.#ports;
    const { status = record.status, reason = record.reason } = change;
    const updatedAtMs = clock.timeMs();
    let end: RunChange = {};
    if (isFinal(status)) {
      const { attempts, requests } = { ...record, ...change };
      const step = yield* supervisor.numCommitted();
      end = {
        attempts: endAttempt(attempts, { nowMs: updatedAtMs, step, reason }),
        requests: { ...noRequests, rewind: requests.rewind },
      };
    }
    const changes = { ...change, ...end, updatedAtMs };
    yield* call(runs.update(record, changes, context.fencingEpoch));
  }
}

/** What one look at the run changes; an error that no other look can cure ends it. */
function* changeOf(
  supervisor: RunSupervisor,
  record: RunRecord,
  logger: Logger,
  context: TickContext,
): Script<RunChange | undefined> {
  try {
    return yield* supervisor.tick(record, context);
  } catch (error) {
    if (!isBerthError(error) || error.policy.retry || error.code === 'RUN_STATE_CONFLICT')
      throw error;
    logger.error(`Run ${record.runId} failed`, { error: errorToWire(error) });
    yield* supervisor.fence(record, context, 'the run has failed');
    return { status: 'failed', reason: error.message, error: errorToWire(error) };
  }
}
