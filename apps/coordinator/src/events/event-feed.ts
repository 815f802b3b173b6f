import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorToWire,
  isFinal,
  type ApiEvent,
  type Logger,
  type MetricsLine,
  type RunStatusReport,
} from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import type { SeriesCache } from '../metrics-series/series-cache.ts';
import type { LogSource, RunsPort } from '../ports.ts';
import type { ClusterReports } from '../reports/cluster-reports.ts';
import { markersFrom } from '../reports/markers.ts';
import type { EventHub } from './event-hub.ts';
import { isSameReport } from './same-report.ts';

export interface EventFeedOptions {
  readonly hub: EventHub;
  readonly connection: RedisConnection;
  readonly runs: RunsPort;
  readonly reports: ClusterReports;
  readonly histories: SeriesCache;
  readonly logs: LogSource;
  readonly logger: Logger;
}

const tickMs = 250;
/** Every so many ticks. */
const every = { workers: 4, logs: 2, markers: 4, checkpoints: 4, cluster: 8, allRuns: 8 } as const;
/** What has not changed is sent again after so many ticks: it holds ages. */
const refreshTicks = 40;
const overview = 'overview';
/** A topic that nobody reads is kept this long for those who come back. */
const keepIdleMs = 60_000;
const linesPerEvent = 200;

interface TopicState {
  numReaders: number;
  idleSinceMs: number;
  /** Undefined for the overview. */
  readonly runId: string | undefined;
  markerCursor: string | undefined;
  logCursor: string | undefined;
}

/** Looks at what someone watches, and publishes what changed. Costs nothing while nobody does. */
export class EventFeed {
  readonly #options: EventFeedOptions;
  readonly #topics = new Map<string, TopicState>();
  /** What was last published, by kind and run. */
  readonly #sent = new Map<string, { readonly value: unknown; readonly tick: number }>();
  #tick = 0;

  constructor(options: EventFeedOptions) {
    this.#options = options;
  }

  /** Makes a topic one that is looked at, until `leave` is called. */
  enter(runId: string | undefined): { readonly topic: string; leave: () => void } {
    const topic = topicOf(runId);
    const state = this.#topics.get(topic) ?? {
      numReaders: 0,
      idleSinceMs: 0,
      runId,
      markerCursor: undefined,
      logCursor: undefined,
    };
    this.#topics.set(topic, state);
    state.numReaders++;
    return {
      topic,
      leave: () => {
        state.numReaders--;
        state.idleSinceMs = performance.now();
      },
    };
  }

  /** Publishes a report that someone else has made. */
  tell(report: RunStatusReport): void {
    const { runId } = report.run;
    this.#publishChange(`run/${runId}`, report, [overview, topicOf(runId)], {
      type: 'run',
      report,
    });
  }

  /** Publishes new lines of a run. */
  tellLines(runId: string, lines: readonly MetricsLine[]): void {
    for (let start = 0; start < lines.length; start += linesPerEvent)
      this.#options.hub.publish([topicOf(runId)], {
        type: 'metrics',
        runId,
        lines: lines.slice(start, start + linesPerEvent),
      });
  }

  /** Looks, four times a second, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(tickMs, undefined, { signal }).catch(() => undefined);
      this.#tick++;
      this.#forgetIdle();
      if (this.#topics.size === 0) continue;
      const looks = [
        this.#poll(),
        ...[...this.#topics.values()].map((state) => this.#pollTopic(state)),
      ];
      for (const outcome of await Promise.allSettled(looks))
        if (outcome.status === 'rejected')
          this.#options.logger.debug('Events are late', { error: errorToWire(outcome.reason) });
    }
  }

  /** What every topic is told of. */
  async #poll(): Promise<void> {
    const { runs, reports } = this.#options;
    if (this.#isTurn(every.allRuns)) await this.#pollRuns();
    else for (const runId of this.#runsToReport()) this.tell(await runs.report(runId));
    if (!this.#isTurn(every.cluster)) return;
    const report = await reports.cluster();
    this.#publishChange('cluster', report, [...this.#topics.keys()], { type: 'cluster', report });
  }

  async #pollRuns(): Promise<void> {
    const reports = await this.#options.runs.list();
    for (const report of reports) this.tell(report);
    const runIds = new Set(reports.map(({ run }) => run.runId));
    for (const [key, { value }] of this.#sent) {
      if (!isReport(value) || runIds.has(value.run.runId)) continue;
      const { runId } = value.run;
      this.#sent.delete(key);
      this.#options.hub.publish([overview, topicOf(runId)], { type: 'removed', runId });
    }
  }

  /** What only those who watch a run are told of. */
  async #pollTopic(state: TopicState): Promise<void> {
    const { runId } = state;
    if (runId === undefined) return;
    const { hub, connection, runs, reports, histories } = this.#options;
    const topics = [topicOf(runId)];
    const told = this.#sent.get(`run/${runId}`)?.value;
    await histories.of(isReport(told) ? told.run : (await runs.report(runId)).run);
    if (this.#isTurn(every.logs)) await this.#pollLogs(state, runId);
    if (this.#isTurn(every.markers)) {
      const isFirst = state.markerCursor === undefined;
      const { events, cursor } = await openRun(connection, runId).events.after(
        state.markerCursor ?? '',
      );
      state.markerCursor = cursor;
      if (!isFirst)
        for (const marker of events.flatMap(markersFrom))
          hub.publish(topics, { type: 'marker', runId, marker });
    }
    const isWorkersTurn = this.#isTurn(every.workers);
    if (!isWorkersTurn && !this.#isTurn(every.checkpoints)) return;
    const { run } = await runs.report(runId);
    if (isWorkersTurn) {
      const workers = await reports.workers(run);
      this.#publishChange(`workers/${runId}`, workers, topics, { type: 'workers', runId, workers });
    }
    if (this.#isTurn(every.checkpoints)) {
      const checkpoints = await reports.checkpoints(run);
      const event: ApiEvent = { type: 'checkpoints', runId, checkpoints };
      this.#publishChange(`checkpoints/${runId}`, checkpoints, topics, event);
    }
  }

  async #pollLogs(state: TopicState, runId: string): Promise<void> {
    const { logs, hub } = this.#options;
    const after = state.logCursor;
    const query = { level: 'info' as const, limit: after === undefined ? 1 : linesPerEvent };
    const page = await logs.page({ ...query, ...(after !== undefined && { after }) }, runId);
    state.logCursor = page.after;
    if (after !== undefined && page.lines.length > 0)
      hub.publish([topicOf(runId)], { type: 'logs', runId, lines: page.lines });
  }

  /** Runs that may change at any moment, and those that someone watches. */
  #runsToReport(): Set<string> {
    const runIds = new Set<string>();
    for (const { runId } of this.#topics.values()) if (runId !== undefined) runIds.add(runId);
    for (const { value } of this.#sent.values())
      if (isReport(value) && !isFinal(value.run.status)) runIds.add(value.run.runId);
    return runIds;
  }

  #publishChange(key: string, value: unknown, topics: readonly string[], event: ApiEvent): void {
    const last = this.#sent.get(key);
    const isOld = last === undefined || this.#tick - last.tick >= refreshTicks;
    if (!isOld && isSameReport(last.value, value)) return;
    this.#sent.set(key, { value, tick: this.#tick });
    this.#options.hub.publish(topics, event);
  }

  #isTurn(ticks: number): boolean {
    return this.#tick % ticks === 0;
  }

  #forgetIdle(): void {
    for (const [name, { numReaders, idleSinceMs }] of this.#topics) {
      if (numReaders > 0 || performance.now() - idleSinceMs < keepIdleMs) continue;
      this.#topics.delete(name);
      this.#options.hub.forget(name);
    }
    if (this.#topics.size === 0) this.#sent.clear();
  }
}

function topicOf(runId: string | undefined): string {
  return runId === undefined ? overview : `run:${runId}`;
}

function isReport(value: unknown): value is RunStatusReport {
  return typeof value === 'object' && value !== null && 'run' in value;
}
