import {
  errorToWire,
  taskOfRun,
  type Logger,
  type MetricsLine,
  type RelayTraffic,
  type WorkerReport,
} from '@berth/contracts';
import { createMetrics, type Metrics } from '@berth/observability/prometheus';
import type { JobBoard } from '@berth/queue/jobs';
import type { CachedRun, SeriesCache } from '../metrics-series/series-cache.ts';
import type { RunsPort } from '../ports.ts';
import type { ClusterReports } from '../reports/cluster-reports.ts';

export interface MonitoringOptions {
  readonly runs: RunsPort;
  readonly reports: ClusterReports;
  readonly histories: SeriesCache;
  readonly jobs: JobBoard;
  /** Of the relay of this coordinator; undefined where it has none. */
  readonly traffic: (() => RelayTraffic) | undefined;
  readonly logger: Logger;
}

/** What Prometheus is told, looked up when it asks. */
export class Monitoring {
  readonly #metrics: Metrics;
  /** Lines up to here are counted, by run. */
  readonly #countedUpToMs = new Map<string, number>();

  constructor(version: string) {
    this.#metrics = createMetrics({ version, node: process.versions.node });
  }

  /** Counts lines that were not counted yet; of those of before this process only the newest is told. */
  takeLines(run: CachedRun, lines: readonly MetricsLine[], areNew: boolean): void {
    const { runId } = run;
    const task = taskOfRun(run);
    const countedUpToMs = this.#countedUpToMs.get(runId) ?? -Infinity;
    const uncounted = lines.filter(({ timeMs }) => timeMs > countedUpToMs);
    const last = uncounted.at(-1);
    if (last === undefined) return;
    this.#countedUpToMs.set(runId, last.timeMs);
    if (areNew) for (const line of uncounted) this.#metrics.line(runId, task, line);
    else
      for (const kind of ['step', 'eval'] as const) {
        const newest = uncounted.findLast((line) => line.kind === kind);
        if (newest !== undefined) this.#metrics.stand(runId, task, newest);
      }
  }

  /** The page; what cannot be looked up now stays as it was. */
  async page({ runs, reports, histories, jobs, traffic, logger }: MonitoringOptions): Promise<{
    readonly text: string;
    readonly contentType: string;
  }> {
    if (traffic !== undefined) this.#metrics.relay(traffic());
    const newest = async (): Promise<void> => {
      const listed = await runs.list();
      const report = listed.find(({ view }) => view !== null) ?? listed[0];
      if (report === undefined) return;
      const { run } = report;
      await histories.of(run);
      this.#metrics.workers(run.runId, (await reports.workers(run)).flatMap(healthOf));
      const markers = await reports.markers(report);
      const found = markers.filter(({ kind }) => kind === 'diverged');
      this.#metrics.divergences(run.runId, found.length);
      const checkpoints = await reports.checkpoints(run);
      const saved = checkpoints.find(
        ({ validity, isAbandoned }) => validity === 'complete' && !isAbandoned,
      );
      if (saved !== undefined)
        this.#metrics.checkpoint(run.runId, {
          sizeBytes: saved.sizeBytes,
          finishedAtMs: saved.createdAtMs,
        });
    };
    const queues = async (): Promise<void> => {
      for (const { name, counts } of await jobs.report()) this.#metrics.queue(name, counts);
    };
    for (const outcome of await Promise.allSettled([newest(), queues()]))
      if (outcome.status === 'rejected')
        logger.debug('Metrics are old', { error: errorToWire(outcome.reason) });
    const { contentType } = this.#metrics;
    return { text: await this.#metrics.text(), contentType };
  }
}

function healthOf({ rank, state, heartbeatAgeMs }: WorkerReport): {
  rank: number;
  isUp: boolean;
  heartbeatAgeMs: number;
}[] {
  return rank === null ? [] : [{ rank, isUp: state !== 'stale', heartbeatAgeMs }];
}
