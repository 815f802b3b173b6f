import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  type Logger,
  type Marker,
  type RunRecord,
  type WorkerReport,
} from '@berth/contracts';
import { createRuns, openRun, type RedisConnection } from '@berth/queue';
import type { LogSource } from '../ports.ts';
import type { ClusterReports } from './cluster-reports.ts';
import { compareCrews, type Crew, type Departure } from './worker-changes.ts';

export interface CrewWatchOptions {
  readonly connection: RedisConnection;
  readonly sights: ClusterReports;
  readonly logs: LogSource;
  readonly logger: Logger;
}

const lookEveryMs = 400;

interface Seen {
  readonly run: RunRecord;
  readonly crew: Crew;
  readonly departures: readonly Departure[];
}

/**
 * While this coordinator leads, writes down who joins, leaves and is lost by the active run, and its changes of status,
 * until the signal. What happens between two looks of which an outage eats one is seen at the next.
 */
export async function watchCrew(options: CrewWatchOptions, signal: AbortSignal): Promise<void> {
  let seen: Seen | undefined;
  while (!signal.aborted) {
    await sleep(lookEveryMs, undefined, { signal }).catch(() => undefined);
    try {
      if (signal.aborted) return;
      seen = (await options.sights.isLeader()) ? await look(options, seen) : undefined;
    } catch (error) {
      options.logger.debug('The crew could not be looked at', { error: errorToWire(error) });
    }
  }
}

async function look(
  { connection, sights, logs }: CrewWatchOptions,
  before: Seen | undefined,
): Promise<Seen | undefined> {
  const runs = createRuns(connection);
  const runId = await runs.active();
  const run = runId === undefined ? undefined : await runs.read(runId);
  if (run === undefined) return undefined;
  const { workers, view } = await sights.crew(run.runId);
  const seats = new Set(view?.members.map(({ memberId }) => memberId));
  const seated = workers.filter(({ memberId }) => seats.has(memberId));
  // One whose heartbeat is late is not listed, and yet in the view: as it was.
  const missing = [...(before?.crew.workers.values() ?? [])].filter(
    ({ memberId }) => seats.has(memberId) && !seated.some((one) => one.memberId === memberId),
  );
  const crew = { workers: byId([...seated, ...missing]) };
  if (before === undefined || before.run.runId !== run.runId) return { run, crew, departures: [] };

  const { chronicle } = openRun(connection, run.runId);
  const mark = (kind: Marker['kind'], text: string): Promise<void> =>
    chronicle.mark({
      kind,
      attempt: run.attempts.at(-1)?.attempt ?? 1,
      step: Math.max(view?.fromStep ?? 0, ...workers.map(({ step }) => step)),
      timeMs: Date.now(),
      text,
    });
  if (run.status !== before.run.status) await mark('status', `${run.status}: ${run.reason}`);
  const { joined, left, lost, departures } = compareCrews(
    performance.now(),
    { before: before.crew, after: crew },
    before.departures,
    byId(workers),
    view?.reason ?? 'it was silent',
  );
  for (const worker of joined) {
    await chronicle.noteBack(worker);
    await mark('joined', `${worker.memberId} joined`);
  }
  for (const worker of left) await mark('left', `${worker.memberId} left: ${worker.reason}`);
  for (const worker of lost) {
    const lastLines = await logs.lastLines(worker.memberId).catch(() => []);
    const lastSeenAtMs = Date.now() - worker.heartbeatAgeMs;
    await chronicle.noteLost({ ...worker, lastSeenAtMs, lastLines });
    await mark('lost', `${worker.memberId} lost: ${worker.reason}`);
  }
  return { run, crew, departures };
}

function byId(workers: readonly WorkerReport[]): Map<string, WorkerReport> {
  return new Map(workers.map((worker) => [worker.memberId, worker]));
}
