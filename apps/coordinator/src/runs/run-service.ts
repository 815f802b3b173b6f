import { findModel, listCheckpoints, readEvaluationReport, runRecordKey } from '@berth/checkpoint';
import {
  BerthError,
  isFinal,
  readInit,
  silentLogger,
  withStoredModel,
  type Control,
  type ControlRequest,
  type ExtensionReport,
  type ExtensionRequest,
  type FineTuningReport,
  type ForkReport,
  type ForkRequest,
  type GridControl,
  type GridReport,
  type MetricsPage,
  type ObjectStore,
  type PruneReport,
  type RemovalReport,
  type RunConfig,
  type RunRecord,
  type RunStatusReport,
} from '@berth/contracts';
import { createMembers, createRuns, openRun, type RedisConnection } from '@berth/queue';
import {
  decideControl,
  decideExtension,
  extensionReport,
  isAlive,
  refusalText,
  type ControlDecision,
  type ControlSnapshot,
  type Scope,
} from '@berth/protocol';
import { completeSteps } from './complete-steps.ts';
import { decideSubmission, newRecord } from './decide-submission.ts';
import { controlGrid, refuseNameOfGrid, submitGrid, type SubmitOptions } from './run-grid.ts';
import { forkRun } from './run-fork.ts';
import { createSeriesSource } from '../metrics-series/series-source.ts';
import { RunOutlines } from '../metrics-series/run-outlines.ts';
import { BucketPruning, type PruneOptions } from '../cleaning/prune-bucket.ts';
import { RunRemoval, type RemovalOptions } from './run-removal.ts';
import { controlSnapshot, reportOf, type ReportContext } from './run-report.ts';
import type { HealthCheck } from '../reports/health.ts';

/** What people may ask of runs. State lives in Redis; the controller acts on it. */
export interface RunService {
  /**
   * A config as it was written, with what it leaves out of the stored model that it begins with: `withStoredModel`.
   * @throws BerthError `CHECKPOINT_NOT_FOUND` when there is none, `CONFIG_INVALID` for what contradicts it
   */
  withModel(config: unknown): Promise<unknown>;
  /**
   * Creates a run, or goes on with the one of that name if it is the same run.
   * @param options.isAtRest - whether no coordinator looks who is alive, so that asking again does. @defaultValue false
   * @param options.grid - of a run that is created as one of a grid
   */
  submit(
    config: RunConfig,
    goal: RunRecord['goal'],
    options?: SubmitOptions,
  ): Promise<RunStatusReport>;
  /**
   * Creates the runs of a grid, and goes on with those that there are and are not completed.
   * @param config - as it was written, with its grid
   * @throws BerthError `CONFIG_*`; `RUN_STATE_CONFLICT` when a name is taken; and what `submit` throws
   */
  submitGrid(
    config: unknown,
    goal: RunRecord['goal'],
    options?: SubmitOptions,
  ): Promise<GridReport>;
  /**
   * Asks something of all runs of a grid that it makes a difference for.
   * @throws BerthError `RUN_NOT_FOUND`
   */
  controlGrid(name: string, control: GridControl): Promise<GridReport>;
  /**
   * Asks something of a run: what is asked is in its record when this returns, and is done by whoever coordinates, now or
   * after a restart. Asking again for what is under way or done changes nothing.
   * @throws BerthError `RUN_NOT_FOUND`; `RUN_STATE_CONFLICT` when its state does not allow it; `CHECKPOINT_NOT_FOUND`
   * when there is none to resume from
   */
  control(runId: string, control: Control, request?: ControlRequest): Promise<RunStatusReport>;
  /** What `extend` would do. */
  extension(runId: string, request: ExtensionRequest): Promise<ExtensionReport>;
  /**
   * Trains a run that rests for more steps than planned, as if it had been planned so.
   * @throws BerthError `RUN_NOT_FOUND`; `RUN_STATE_CONFLICT` when its state or its schedule does not allow it; `CONFIG_INVALID`
   */
  extend(runId: string, request: ExtensionRequest): Promise<RunStatusReport>;
  /**
   * Keeps a checkpoint that the run can go on from, or lets it go by the rule of the others; again is fine.
   * @throws BerthError `RUN_NOT_FOUND`; `CHECKPOINT_NOT_FOUND` when there is none of that step to keep
   */
  pin(runId: string, step: number, isPinned: boolean): Promise<RunStatusReport>;
  /**
   * Makes a run that goes on from a checkpoint of another, as far as it gets in a few seconds; asked again, it goes on.
   * @throws BerthError `RUN_NOT_FOUND`, and what `forkRun` throws
   */
  fork(runId: string, request: ForkRequest): Promise<ForkReport>;
  /** What would go with a run. */
  removal(runId: string, options?: RemovalOptions): Promise<RemovalReport>;
  /** What of the bucket nobody needs. */
  pruning(options: PruneOptions): Promise<PruneReport>;
  /** Deletes that for a few seconds; to be asked again until it is done. */
  prune(options: PruneOptions): Promise<PruneReport>;
  /**
   * Removes a run that has ended, as far as it gets in a few seconds; asked again, it goes on.
   * @throws BerthError `RUN_NOT_FOUND`; `RUN_STATE_CONFLICT` when it has not ended
   */
  remove(runId: string, options?: RemovalOptions): Promise<RemovalReport>;
  report(runId: string): Promise<RunStatusReport>;
  list(): Promise<RunStatusReport[]>;
  /** Metrics lines after a cursor of an earlier answer, '' for the first; oldest first, at most a thousand. */
  metrics(runId: string, after: string): Promise<MetricsPage>;
  /**
   * What the evaluation of a fine-tuned model after a step found.
   * @throws BerthError `RUN_NOT_FOUND`; `EVALUATION_NOT_FOUND` when there is no report of it
   */
  evaluation(runId: string, step: number): Promise<FineTuningReport>;
}

const numLinesPerAnswer = 1_000;
/** Longest wait for the bucket to take what was submitted. */
const keepPatienceMs = 5_000;

/** @param options.health - asked whether Redis takes writes, for what runs say of themselves. @defaultValue not asked */
export function createRunService(
  connection: RedisConnection,
  store: ObjectStore,
  {
    health,
    scope,
  }: {
    readonly health?: Pick<HealthCheck, 'redis'>;
    /** What its coordinator takes up. @defaultValue all runs */
    readonly scope?: Scope | undefined;
  } = {},
): RunService {
  const runs = createRuns(connection);
  const members = createMembers(connection);
  const removal = new RunRemoval(connection, store);
  const pruning = new BucketPruning(connection, store);
  const outlines = new RunOutlines(createSeriesSource(connection, store));

  const read = async (runId: string): Promise<RunRecord> => {
    const record = await runs.read(runId);
    if (record !== undefined) return record;
    const known = (await runs.list()).map((run) => run.runId).join(', ');
    throw new BerthError(
      'RUN_NOT_FOUND',
      `There is no run "${runId}"; known runs: ${known || 'none'}`,
    );
  };

  const contextNow = async (): Promise<ReportContext> => {
    const [all, activeId, live, redis] = await Promise.all([
      runs.list(),
      runs.active(),
      members.list({ forget: false }),
      health?.redis(),
    ]);
    return { runs: all, activeId, members: live, outlines, redis, scope };
  };

  const reportNow = async (run: RunRecord): Promise<RunStatusReport> =>
    reportOf(connection, run, await contextNow());

  /** What is accepted outlives a Redis that loses all of it the next moment. */
  const keepSubmitted = async (record: RunRecord): Promise<void> => {
    const body = Buffer.from(JSON.stringify(record));
    const signal = AbortSignal.timeout(keepPatienceMs);
    // Whoever leads stores what the bucket does not take now.
    await store.put(runRecordKey(record.runId), body, { signal }).catch(() => undefined);
    // What was lost before it was stored is not found there.
    if ((await runs.read(record.runId)) === undefined) await runs.create(record);
  };

  const look = async (
    record: RunRecord,
    { fromStep }: ControlRequest,
  ): Promise<ControlSnapshot> => {
    const { runId } = record;
    const { ledger, checkpoints: index } = openRun(connection, runId);
    const [numCommitted, checkpoints] = await Promise.all([ledger.numCommitted(), index.list()]);
    const snapshot = await controlSnapshot(connection, record, numCommitted, checkpoints);
    if (fromStep === undefined || !isFinal(record.status)) return snapshot;
    return { ...snapshot, checkpointSteps: await completeSteps(store, record, fromStep) };
  };

  const lookAtAll = async (record: RunRecord): Promise<ControlSnapshot> => ({
    ...(await look(record, {})),
    checkpointSteps: await completeSteps(store, record),
  });

  const change = async (
    runId: string,
    verb: string,
    decide: (nowMs: number, record: RunRecord) => ControlDecision,
  ): Promise<RunStatusReport> =>
    reportNow(
      await runs.change(runId, (record) => {
        const nowMs = Date.now();
        const decision = decide(nowMs, record);
        switch (decision.kind) {
          case 'change':
            return { ...decision.change, updatedAtMs: nowMs };
          case 'same':
            return undefined;
          case 'refuse':
            throw new BerthError(decision.code, refusalText(verb, runId, decision.reason), {
              details: { runId, status: record.status },
            });
        }
      }),
    );

  /** Whether anybody works on a run, or would as soon as it is its turn. */
  const attended = async ({ runId, status }: RunRecord, isAtRest: boolean): Promise<boolean> => {
    const alive = (await members.list({ forget: isAtRest })).filter(isAlive);
    const needsAny = status === 'queued' || status === 'preparing';
    return alive.some(({ info }) => needsAny || info.runId === runId);
  };

  const service: RunService = {
    async withModel(config) {
      const init = readInit(config);
      if (init === undefined) return config;
      const model = await findModel(store, init, silentLogger);
      return withStoredModel(config, model, 'request');
    },

    async submit(config, goal, { isAtRest = false, grid } = {}) {
      const existing = await runs.read(config.name);
      if (existing === undefined) {
        if (grid === undefined) await refuseNameOfGrid(runs, config.name);
        const record = newRecord({ config, goal, grid }, Date.now());
        await runs.create(record);
        await keepSubmitted(record);
        return reportNow(record);
      }
      const snapshot = await look(existing, {});
      const [isAttended, stored] = await Promise.all([
        attended(existing, isAtRest),
        listCheckpoints(store, existing.runId, existing.attempts),
      ]);
      // Redis may have lost the steps of a run whose cluster died.
      const numCommitted = Math.max(snapshot.numCommitted, ...stored.map(({ step }) => step));
      const isStored = stored.length > 0;
      return reportNow(
        await runs.change(config.name, (record) =>
          decideSubmission(
            Date.now(),
            record,
            { ...snapshot, numCommitted, isAttended, isStored },
            { config, goal },
          ),
        ),
      );
    },

    submitGrid: (config, goal, options) =>
      submitGrid({ service, runs, store }, config, goal, options),
    controlGrid: (name, control) => controlGrid(service, name, control),

    async control(runId, control, request = {}) {
      const snapshot = await look(await read(runId), request);
      return change(runId, control, (nowMs, record) =>
        decideControl(nowMs, record, snapshot, control, request),
      );
    },

    async extension(runId, request) {
      const record = await read(runId);
      return extensionReport(Date.now(), record, await lookAtAll(record), request);
    },

    async extend(runId, request) {
      const snapshot = await lookAtAll(await read(runId));
      return change(runId, 'extend', (nowMs, now) =>
        decideExtension(nowMs, now, snapshot, request),
      );
    },

    async pin(runId, step, isPinned) {
      const record = await read(runId);
      const steps = isPinned ? await completeSteps(store, record, step) : [];
      if (isPinned && !steps.includes(step)) throw noCheckpoint(runId, step, steps);
      return reportNow(
        await runs.change(runId, ({ keptSteps }) => {
          if (keptSteps.includes(step) === isPinned) return undefined;
          const others = keptSteps.filter((kept) => kept !== step);
          const kept = isPinned ? [...others, step].sort((a, b) => a - b) : others;
          return { keptSteps: kept, updatedAtMs: Date.now() };
        }),
      );
    },

    fork: async (runId, request) => forkRun({ runs, store }, await read(runId), request),
    pruning: (options) => pruning.survey(options),
    prune: (options) => pruning.prune(options),
    removal: async (runId, options) => removal.survey(await read(runId), options),
    remove: async (runId, options) => removal.remove((await read(runId)).runId, options),
    report: async (runId) => reportNow(await read(runId)),
    async list() {
      const context = await contextNow();
      return Promise.all(context.runs.map((run) => reportOf(connection, run, context)));
    },
    evaluation: async (runId, step) => readEvaluationReport(store, await read(runId), step),
    metrics: async (runId, after) =>
      openRun(connection, (await read(runId)).runId).metrics.after(after, numLinesPerAnswer),
  };
  return service;
}

function noCheckpoint(runId: string, step: number, steps: readonly number[]): BerthError {
  const known = steps.length === 0 ? 'it has none' : `it has those of ${steps.join(', ')}`;
  return new BerthError(
    'CHECKPOINT_NOT_FOUND',
    `Run "${runId}" has no checkpoint of step ${step} to keep; ${known}`,
    { details: { runId, step } },
  );
}
