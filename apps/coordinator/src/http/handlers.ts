import {
  gridReport,
  gridReports,
  noSuchGrid,
  openApiDocument,
  parseRunConfig,
  runConfigJsonSchema,
  type ApiInput,
  type ApiOperationName,
  type ApiOutput,
  type DrainReport,
  type DrainRequest,
  type Preset,
} from '@berth/contracts';
import type { JobBoard } from '@berth/queue/jobs';
import type { SeriesCache } from '../metrics-series/series-cache.ts';
import type { DataViews } from '../data-view/data-views.ts';
import type { RunModels } from '../models/run-models.ts';
import type { LogSource, RunsPort } from '../ports.ts';
import type { ClusterReports } from '../reports/cluster-reports.ts';

/** What the routes answer from. */
export interface HandlerOptions {
  readonly version: string;
  readonly runs: RunsPort;
  readonly reports: Pick<ClusterReports, 'cluster' | 'workers' | 'checkpoints' | 'markers'>;
  readonly histories: SeriesCache;
  readonly logs: LogSource;
  readonly jobs: JobBoard;
  readonly models: RunModels;
  readonly drainWorker: (memberId: string, request: DrainRequest) => Promise<DrainReport>;
  readonly dataViews: Pick<DataViews, 'of'>;
  readonly presets: () => Promise<Preset[]>;
  /** Told of a run that was just asked something. */
  readonly onWrite: (report: ApiOutput<'run'>) => void;
}

/** One for each operation whose answer is JSON. */
export type Handlers = {
  readonly [Name in Exclude<ApiOperationName, 'events'>]: (
    input: ApiInput<Name>,
  ) => Promise<ApiOutput<Name>>;
};

export function createHandlers(options: HandlerOptions): Handlers {
  const { version, runs, reports, histories, logs, jobs, models, dataViews } = options;
  const configSchema = runConfigJsonSchema();
  const openapi = openApiDocument(version);
  const written = async (report: Promise<ApiOutput<'run'>>): Promise<ApiOutput<'run'>> => {
    options.onWrite(await report);
    return report;
  };

  return {
    cluster: () => reports.cluster(),
    runs: () => runs.list(),
    async submitRun({ body }) {
      const config = parseRunConfig(await runs.withModel(body.config), 'request');
      return written(runs.submit(config, body.goal));
    },
    grids: async () => gridReports(await runs.list()),
    async grid({ params: { name } }) {
      const all = await runs.list();
      const found = gridReport(name, all);
      if (found !== undefined) return found;
      throw noSuchGrid(all, name);
    },
    submitGrid: ({ body }) => runs.submitGrid(body.config, body.goal),
    controlGrid: ({ params }) => runs.controlGrid(params.name, params.control),
    run: ({ params }) => runs.report(params.runId),
    control: ({ params, body }) => written(runs.control(params.runId, params.control, body)),
    extension: ({ params, query }) => runs.extension(params.runId, query),
    extendRun: ({ params, body }) => written(runs.extend(params.runId, body)),
    forkRun: ({ params, body }) => runs.fork(params.runId, body),
    pruning: ({ query }) => runs.pruning(query),
    prune: ({ query }) => runs.prune(query),
    removal: ({ params }) => runs.removal(params.runId),
    removeRun: ({ params }) => runs.remove(params.runId),
    metrics: ({ params, query }) => runs.metrics(params.runId, query.after),

    async history({ params: { runId }, query }) {
      const report = await runs.report(runId);
      const history = await histories.of(report.run);
      const asOfMs = Date.now();
      const traces = await history.traces(query, report.run.attempts);
      return { runId, traces, markers: await reports.markers(report), asOfMs };
    },

    workers: async ({ params }) => reports.workers((await runs.report(params.runId)).run),
    drainWorker: ({ params, body }) => options.drainWorker(params.memberId, body),
    checkpoints: async ({ params }) => reports.checkpoints((await runs.report(params.runId)).run),
    pinCheckpoint: ({ params }) => written(runs.pin(params.runId, params.step, true)),
    unpinCheckpoint: ({ params }) => written(runs.pin(params.runId, params.step, false)),

    data: async ({ params }) => dataViews.of((await runs.report(params.runId)).run),
    evaluationReport: ({ params }) => runs.evaluation(params.runId, params.step),
    fillMask: (input) => models.fillMask(input),
    predict: (input) => models.predict(input),
    exportRun: (input) => models.exportRun(input),
    embed: (input) => models.embed(input),
    evaluate: (input) => models.evaluate(input),
    compare: (input) => models.compare(input),

    async runLogs({ params: { runId }, query }) {
      await runs.report(runId);
      return logs.page(query, runId);
    },
    logs: ({ query }) => logs.page(query, undefined),

    queues: () => jobs.report(),
    jobs: ({ params, query }) => jobs.failed(params.queue, query.limit),
    retryJob: ({ params }) => jobs.retry(params.queue, params.jobId),

    configSchema: () => Promise.resolve(configSchema),
    presets: () => options.presets(),
    openapi: () => Promise.resolve(openapi),
  };
}
