import {
  isFinal,
  type CheckpointReport,
  type ClusterReport,
  type Marker,
  type ObjectStore,
  type RunRecord,
  type RunStatusReport,
  type WorkerReport,
} from '@berth/contracts';
import { surveyCheckpoints, type ManifestCache, type SurveyedCheckpoint } from '@berth/checkpoint';
import {
  createLease,
  createMembers,
  createRuns,
  openRun,
  type RedisConnection,
} from '@berth/queue';
import type { BuildInfo } from '@berth/observability';
import type { LogSource } from '../ports.ts';
import type { SeriesCache } from '../metrics-series/series-cache.ts';
import { describeCheckpoints } from './checkpoint-reports.ts';
import type { Health, HealthCheck } from './health.ts';
import { lostWorkers } from './lost-workers.ts';
import { markersOf } from './markers.ts';
import { describeWorkers } from './worker-reports.ts';

export interface ClusterReportsOptions {
  readonly coordinatorId: string;
  readonly build: BuildInfo;
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly histories: SeriesCache;
  readonly health: HealthCheck;
  readonly logs: LogSource;
}

const surveyEveryMs = 2_000;
/** Manifests of so many runs are remembered. */
const numManifestCaches = 16;

/** The cluster as it is now, read from Redis and the store for whoever asks. */
export class ClusterReports {
  readonly #options: ClusterReportsOptions;
  readonly #startedAtMs = Date.now();
  readonly #manifests = new Map<string, ManifestCache>();
  readonly #surveys = new Map<string, { askedMs: number; survey: Promise<SurveyedCheckpoint[]> }>();

  constructor(options: ClusterReportsOptions) {
    this.#options = options;
  }

  async isLeader(): Promise<boolean> {
    const { connection, coordinatorId } = this.#options;
    const lease = createLease(connection, { holderId: coordinatorId, ttlMs: 0 });
    return (await lease.lastHolder())?.holderId === coordinatorId;
  }

  async cluster(): Promise<ClusterReport> {
    const { coordinatorId, health, connection } = this.#options;
    const [redis, store, isLeader, active] = await Promise.all([
      health.redis(),
      health.store(),
      this.isLeader(),
      createRuns(connection).active(),
    ]);
    const { version, ...build } = this.#options.build;
    return {
      version,
      build,
      coordinatorId,
      isLeader,
      startedAtMs: this.#startedAtMs,
      nowMs: Date.now(),
      redis: withoutCode(redis),
      store: withoutCode(store),
      workers: await this.#describe(active),
    };
  }

  /** Workers of a run, lost ones last. */
  async workers({ runId, status }: RunRecord): Promise<WorkerReport[]> {
    const { connection, logs } = this.#options;
    const [all, { events }] = await Promise.all([
      isFinal(status) ? [] : this.#describe(runId),
      openRun(connection, runId).events.after(''),
    ]);
    const live = all.filter((worker) => worker.rank !== null || worker.runId === runId);
    const ids = new Set(live.map(({ memberId }) => memberId));
    const lost = lostWorkers(Date.now(), events).filter(({ memberId }) => !ids.has(memberId));
    const withLines = lost.map(async (worker) => ({
      ...worker,
      lastLines: await logs.lastLines(worker.memberId).catch(() => []),
    }));
    return [...live, ...(await Promise.all(withLines))];
  }

  /** Newest first; the store is asked at most every two seconds. */
  async checkpoints(run: RunRecord): Promise<CheckpointReport[]> {
    const [surveyed, history] = await Promise.all([
      this.#surveyed(run),
      this.#options.histories.of(run),
    ]);
    return describeCheckpoints(Date.now(), run, surveyed, (step, attempt) =>
      history.heldOut(step, attempt),
    );
  }

  async markers({ run }: RunStatusReport): Promise<Marker[]> {
    const { events } = openRun(this.#options.connection, run.runId);
    const [seen, checkpoints] = await Promise.all([
      events.after(''),
      // Charts are worth showing while the store is away.
      this.checkpoints(run).catch(() => []),
    ]);
    return markersOf(run, checkpoints, seen.events);
  }

  async #surveyed(run: RunRecord): Promise<SurveyedCheckpoint[]> {
    const known = this.#surveys.get(run.runId);
    const nowMs = performance.now();
    if (known !== undefined && nowMs - known.askedMs < surveyEveryMs) return known.survey;
    const survey = this.#survey(run);
    this.#surveys.delete(run.runId);
    this.#surveys.set(run.runId, { askedMs: nowMs, survey });
    dropOldest(this.#surveys, numManifestCaches);
    survey.catch(() => this.#surveys.delete(run.runId));
    return survey;
  }

  async #survey(run: RunRecord): Promise<SurveyedCheckpoint[]> {
    const cache = this.#manifests.get(run.runId) ?? new Map();
    this.#manifests.delete(run.runId);
    this.#manifests.set(run.runId, cache);
    dropOldest(this.#manifests, numManifestCaches);
    return surveyCheckpoints(this.#options.store, run.runId, run.attempts, cache);
  }

  async #describe(runId: string | undefined): Promise<WorkerReport[]> {
    const { connection } = this.#options;
    const run = runId === undefined ? undefined : openRun(connection, runId);
    const [members, current, numCommitted, record] = await Promise.all([
      createMembers(connection).list({ forget: false }),
      run?.views.current(),
      run?.ledger.numCommitted() ?? 0,
      runId === undefined ? undefined : createRuns(connection).read(runId),
    ]);
    return describeWorkers({
      members,
      view: current,
      numCommitted,
      numerics: record?.numerics ?? undefined,
    });
  }
}

function dropOldest(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}

function withoutCode({ isOk, detail }: Health): ClusterReport['redis'] {
  return { isOk, detail };
}
