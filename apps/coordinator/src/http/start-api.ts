import { randomBytes } from 'node:crypto';
import {
  errorToWire,
  isFinal,
  type Logger,
  type ObjectStore,
  type S3Place,
} from '@berth/contracts';
import { buildInfo } from '@berth/observability';
import { createJobBoard, createModelQuestions } from '@berth/queue/jobs';
import { createMembers, type RedisConnection } from '@berth/queue';
import { DataViews } from '../data-view/data-views.ts';
import { tellEvents } from '../events/tell-events.ts';
import { EventFeed } from '../events/event-feed.ts';
import { EventHub } from '../events/event-hub.ts';
import { SeriesCache } from '../metrics-series/series-cache.ts';
import { createSeriesSource } from '../metrics-series/series-source.ts';
import { accessPolicy } from './access.ts';
import { dashboardFolder } from './dashboard-files.ts';
import { EventStreams, type EventStreamOptions } from './event-stream.ts';
import { defaultRates, type RequestRates } from './guard.ts';
import { createHandlers } from './handlers.ts';
import { createHttpApi } from './http-api.ts';
import { listen } from './listen.ts';
import { Monitoring } from './prometheus.ts';
import { createRunModels } from '../models/run-models.ts';
import type { LogSource, RunsPort } from '../ports.ts';
import { drainWorker } from '../runs/drain-worker.ts';
import { shippedPresets } from '../runs/presets.ts';
import { ClusterReports } from '../reports/cluster-reports.ts';
import type { RunningRelay } from '../relay/start-relay.ts';
import type { HealthCheck } from '../reports/health.ts';

export interface ApiOptions {
  readonly coordinatorId: string;
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly s3: S3Place;
  readonly runs: RunsPort;
  readonly health: HealthCheck;
  readonly logs: LogSource;
  /** Of this coordinator. @defaultValue it relays nothing */
  readonly relay?: RunningRelay | undefined;
  /** Where HTTP listens. */
  readonly host: string;
  readonly port: number;
  /** Requests must carry it. */
  readonly token: string | undefined;
  /** Host names by which others reach it, with commas between. */
  readonly names?: string | undefined;
  /** @defaultValue 60 writes at once and 10 a second, 200 expensive reads at once and 40 a second, 20 wrong tokens at once and 1 a second */
  readonly rates?: RequestRates | undefined;
  readonly events?: Omit<EventStreamOptions, 'hub' | 'feed'>;
  readonly logger: Logger;
}

/** A running HTTP interface. */
export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Answers HTTP until it is closed, and watches what there is to tell.
 * @throws BerthError `CONFIG_INVALID` when the port cannot be had, or there is no token
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { coordinatorId, connection, store, s3, runs, health, logs, relay, logger } = options;
  const access = accessPolicy(options);
  const build = buildInfo();
  const { version } = build;
  const monitoring = new Monitoring(version);
  const histories = new SeriesCache(createSeriesSource(connection, store, logger), {
    onLines: (run, lines, areNew) => {
      monitoring.takeLines(run, lines, areNew);
      if (areNew) feed.tellLines(run.runId, lines);
    },
  });
  const reports = new ClusterReports({
    coordinatorId,
    build,
    connection,
    store,
    histories,
    health,
    logs,
  });
  const hub = new EventHub({ epoch: randomBytes(6).toString('hex') });
  const feed = new EventFeed({ hub, connection, runs, reports, histories, logs, logger });
  const jobs = createJobBoard(connection);
  const questions = createModelQuestions(connection);
  const members = createMembers(connection);
  const app = createHttpApi({
    access,
    rates: options.rates ?? defaultRates,
    handlers: createHandlers({
      version,
      runs,
      reports,
      histories,
      logs,
      jobs,
      drainWorker: (memberId, request) => drainWorker(members, memberId, request),
      models: createRunModels({
        store,
        s3,
        logger,
        report: (runId) => runs.report(runId),
        questions,
      }),
      dataViews: new DataViews(store),
      presets: shippedPresets(logger),
      onWrite: (report) => feed.tell(report),
    }),
    events: new EventStreams({ hub, feed, ...options.events }),
    health,
    metrics: () =>
      monitoring.page({ runs, reports, histories, jobs, traffic: relay?.traffic, logger }),
    dashboardFolder,
    logger,
  });
  const server = await listen(app, options);
  const ending = new AbortController();
  const working = [
    feed.run(ending.signal),
    tellEvents({ connection, logs, logger, isLeader: () => reports.isLeader() }, ending.signal),
    warmUp(runs, histories, logger),
  ];
  return {
    url: server.url,
    async close() {
      ending.abort();
      server.close();
      await Promise.all(working);
      await Promise.all([jobs.close(), questions.close()]);
    },
  };
}

/** Reads the histories that people will look at first. */
async function warmUp(runs: RunsPort, histories: SeriesCache, logger: Logger): Promise<void> {
  try {
    const reports = await runs.list();
    const current = reports.filter(({ run }) => !isFinal(run.status));
    for (const { run } of [...current, ...reports].slice(0, 4)) await histories.of(run);
  } catch (error) {
    logger.debug('SeriesCache are read later', { error: errorToWire(error) });
  }
}
