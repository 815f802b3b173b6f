import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  isBerthError,
  isFinal,
  noRequests,
  toBerthError,
  type Logger,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import type { JobProducer } from '@berth/queue/jobs';
import {
  createMembers,
  createRuns,
  keepLease,
  createLease,
  type RedisConnection,
  type Runs,
} from '@berth/queue';
import { MetricsArchive } from '../metrics-archive/metrics-archive.ts';
import {
  coordinationTimes,
  endAttempt,
  isInScope,
  queueOf,
  type RunChange,
  type Scope,
} from '@berth/protocol';
import { StoreCleaning } from '../cleaning/store-cleaning.ts';
import { RunRecordArchive } from './run-record-archive.ts';
import { RunSupervisor, type Moment } from './run-supervisor.ts';

export interface ControllerOptions {
  readonly coordinatorId: string;
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly jobs: JobProducer;
  /** What it may take up. @defaultValue all runs */
  readonly scope?: Scope | undefined;
  readonly logger: Logger;
}

const { leaseTtlMs, tickMs, afterNewsMs, afterErrorMs, outageGraceMs } = coordinationTimes;
const archiveEveryMs = 1_000;

/**
 * Drives one run at a time from queued to its end, while it holds the lease. All it knows is in Redis and the bucket,
 * so another coordinator can take over at any moment.
 */
export async function runController(
  options: ControllerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { connection, coordinatorId, logger } = options;
  let held: Pick<Moment, 'fencingEpoch' | 'serverEpoch'> | undefined;
  let usedEpoch = 0;
  const lease = keepLease(createLease(connection, { holderId: coordinatorId, ttlMs: leaseTtlMs }), {
    onAcquired: ({ fencingEpoch, serverEpoch }) => {
      held = { fencingEpoch, serverEpoch };
    },
    onLost: () => {
      held = undefined;
    },
    usedEpoch: () => usedEpoch,
    signal,
    logger,
  });
  const runs = createRuns(connection);
  const archive = new RunRecordArchive(options.store, logger);
  const cleaning = new StoreCleaning(options);
  let history = new MetricsArchive(options);
  let archivedMs = -Infinity;
  let term: Term | undefined;
  let afterOutage = false;
  let lenientUntilMs = -Infinity;
  const news = createMembers(connection).news(signal);
  let hadNews = false;
  while (!signal.aborted) {
    hadNews = await news.wait(hadNews ? afterNewsMs : tickMs);
    try {
      if (afterOutage) {
        await runs.active();
        lenientUntilMs = performance.now() + outageGraceMs;
        afterOutage = false;
      }
      if (held === undefined) continue;
      const { fencingEpoch, serverEpoch } = held;
      if (term?.fencingEpoch !== fencingEpoch) {
        // A new epoch may mean that Redis has lost its data: nothing remembered about it holds.
        await archive.restore(runs, { isOlder: fencingEpoch === serverEpoch });
        history = new MetricsArchive(options);
        term = { fencingEpoch, supervised: '', supervisor: undefined };
      }
      if (performance.now() - archivedMs >= archiveEveryMs) {
        const records = await runs.list();
        archive.note(records);
        const staying = records.filter(({ requests }) => !requests.remove);
        history.note(staying);
        cleaning.note(staying);
        archivedMs = performance.now();
      }
      const record = await activeRun(runs, fencingEpoch, options.scope);
      if (record === undefined) {
        term.supervisor = undefined;
        continue;
      }
      const { attempt, startedAtMs } = record.attempts.at(-1) ?? {};
      const name = `${record.runId}/${record.attempts.length}/${startedAtMs}`;
      if (term.supervised !== name) term.supervisor = undefined;
      term.supervised = name;
      const runLogger = logger.child({ runId: record.runId, attempt });
      term.supervisor ??= new RunSupervisor({ ...options, logger: runLogger }, record.runId);
      await advance(runs, term.supervisor, record, runLogger, {
        fencingEpoch,
        serverEpoch,
        isLenient: performance.now() < lenientUntilMs,
      });
    } catch (error) {
      logger.warn('Coordination is delayed', { error: errorToWire(error) });
      const { code, details } = toBerthError(error);
      afterOutage = code === 'QUEUE_UNREACHABLE';
      if (code === 'QUEUE_STALE_EPOCH') usedEpoch = Math.max(usedEpoch, Number(details['newest']));
      await sleep(afterErrorMs);
    }
  }
  news.close();
  await history.close();
  await lease;
}

/** One epoch of holding the lease. */
interface Term {
  readonly fencingEpoch: number;
  /** Run and attempt that the supervisor is for. */
  supervised: string;
  supervisor: RunSupervisor | undefined;
}

/** The run to work on; when the last one has ended or rests, the next in the queue. */
async function activeRun(
  runs: Runs,
  fencingEpoch: number,
  scope: Scope | undefined,
): Promise<RunRecord | undefined> {
  const activeId = await runs.active();
  const active = activeId === undefined ? undefined : await readable(runs, activeId);
  if (active !== undefined && !isFinal(active.status) && isInScope(active, scope)) return active;
  const { records, unreadable } = await runs.survey();
  const [next] = queueOf(records, scope);
  // What only another version of berth can read is left to it while there is nothing else to do.
  const isLeft = activeId === undefined || unreadable.some(({ runId }) => runId === activeId);
  if (next === undefined && isLeft) return undefined;
  await runs.setActive(next?.runId, activeId, fencingEpoch);
  return next;
}

/** A run's record; undefined when there is none, or none that can be read. */
async function readable(runs: Runs, runId: string): Promise<RunRecord | undefined> {
  try {
    return await runs.read(runId);
  } catch (error) {
    if (isBerthError(error) && error.code === 'RUN_STATE_CONFLICT') return undefined;
    throw error;
  }
}

async function advance(
  runs: Runs,
  supervisor: RunSupervisor,
  record: RunRecord,
  logger: Logger,
  moment: Moment,
): Promise<void> {
  const change = await changeOf(supervisor, record, logger, moment);
  if (change === undefined) return;
  const isNews = Object.entries(change).some(
    ([key, value]) => record[key as keyof RunRecord] !== value,
  );
  if (!isNews) return;
  const { status = record.status, reason = record.reason } = change;
  if (status !== record.status) logger.info(`Run ${record.runId} is ${status}`, { reason });
  const end = isFinal(status) ? await endOf(supervisor, { ...record, ...change }, reason) : {};
  const changes = { ...change, ...end, updatedAtMs: Date.now() };
  await runs.update(record, changes, moment.fencingEpoch);
}

/** What one look at the run changes; an error that no other look can cure ends it. */
async function changeOf(
  supervisor: RunSupervisor,
  record: RunRecord,
  logger: Logger,
  moment: Moment,
): Promise<RunChange | undefined> {
  try {
    return await supervisor.tick(record, moment);
  } catch (error) {
    if (!isBerthError(error) || error.policy.retry || error.code === 'RUN_STATE_CONFLICT')
      throw error;
    logger.error(`Run ${record.runId} failed`, { error: errorToWire(error) });
    await supervisor.fence(moment.fencingEpoch, 'the run has failed');
    return { status: 'failed', reason: error.message, error: errorToWire(error) };
  }
}

async function endOf(
  supervisor: RunSupervisor,
  { attempts, requests }: RunRecord,
  reason: string,
): Promise<RunChange> {
  const end = { nowMs: Date.now(), step: await supervisor.numCommitted(), reason };
  return {
    attempts: endAttempt(attempts, end),
    requests: { ...noRequests, cut: requests.cut },
  };
}
