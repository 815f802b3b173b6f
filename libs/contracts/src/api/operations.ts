import { z } from 'zod';
import { fineTuningReportSchema } from '../tasks/fine-tuning/report.ts';
import { metricsPageSchema, runStatusSchema, submitRequestSchema } from '../run.ts';
import {
  controlRequestSchema,
  controlSchema,
  drainReportSchema,
  drainRequestSchema,
  extensionQuerySchema,
  extensionReportSchema,
  extensionRequestSchema,
  forkReportSchema,
  forkRequestSchema,
} from './controls.ts';
import { gridOperations } from './grid-operations.ts';
import { streamCursorSchema } from './cursor.ts';
import { dataViewSchema } from './data-view.ts';
import { apiEventSchema, eventsQuerySchema } from './events.ts';
import { modelOperations } from './model-operations.ts';
import { input, ofRun, type ApiOperation } from './operation.ts';
import { historyQuerySchema, historySchema } from './history.ts';
import { logPageSchema, logQuerySchema } from './logs.ts';
import {
  checkpointReportSchema,
  clusterReportSchema,
  jobReportSchema,
  jobsQuerySchema,
  presetSchema,
  pruneQuerySchema,
  pruneReportSchema,
  queueReportSchema,
  removalReportSchema,
  workerReportSchema,
} from './reports.ts';

const document = z.record(z.string(), z.unknown());
const ofCheckpoint = ofRun.extend({ step: z.coerce.number().int().nonnegative() });
const ofQueue = z.strictObject({ queue: z.string().regex(/^[a-z][a-z-]{0,62}$/) });

/** All of the HTTP interface under `/api`. */
export const apiOperations = {
  cluster: {
    ...input,
    method: 'GET',
    path: '/api/cluster',
    summary: 'The cluster as the coordinator that answers sees it.',
    cost: 'cheap',
    response: clusterReportSchema,
  },
  runs: {
    ...input,
    method: 'GET',
    path: '/api/runs',
    summary: 'All runs, newest first.',
    cost: 'cheap',
    response: z.array(runStatusSchema),
  },
  submitRun: {
    ...input,
    method: 'POST',
    path: '/api/runs',
    summary:
      'Creates a run, or goes on with the one of that name if it is the same run. A config with a grid goes to /api/grids.',
    cost: 'expensive',
    body: submitRequestSchema,
    response: runStatusSchema,
    status: 201,
  },
  ...gridOperations,
  run: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId',
    summary: 'A run and what it is doing.',
    cost: 'cheap',
    params: ofRun,
    response: runStatusSchema,
  },
  control: {
    ...input,
    method: 'POST',
    path: '/api/runs/:runId/controls/:control',
    summary: 'Asks something of a run: pause, resume, stop, kill, checkpoint.',
    cost: 'expensive',
    params: ofRun.extend({ control: controlSchema }),
    body: controlRequestSchema,
    response: runStatusSchema,
  },
  extension: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/extension',
    summary: 'What more steps than planned would make of a run, without asking for them.',
    cost: 'expensive',
    params: ofRun,
    query: extensionQuerySchema,
    response: extensionReportSchema,
  },
  extendRun: {
    ...input,
    method: 'POST',
    path: '/api/runs/:runId/extension',
    summary:
      'Trains a run that rests for more steps than planned, where its schedule allows that to the bit.',
    cost: 'expensive',
    params: ofRun,
    body: extensionRequestSchema,
    response: runStatusSchema,
  },
  forkRun: {
    ...input,
    method: 'POST',
    path: '/api/runs/:runId/forks',
    summary:
      'Makes a run that goes on from a checkpoint of another with other settings: copies for a few seconds; ask again until it is done.',
    cost: 'expensive',
    params: ofRun,
    body: forkRequestSchema,
    response: forkReportSchema,
    status: 201,
  },
  removal: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/removal',
    summary: 'What would go if the run were removed.',
    cost: 'expensive',
    params: ofRun,
    response: removalReportSchema,
  },
  removeRun: {
    ...input,
    method: 'DELETE',
    path: '/api/runs/:runId',
    summary:
      'Removes a run that has ended, with all that only it uses, for a few seconds; ask again until it is done.',
    cost: 'expensive',
    params: ofRun,
    response: removalReportSchema,
  },
  pruning: {
    ...input,
    method: 'GET',
    path: '/api/prune',
    summary: 'What of the bucket nobody needs, without deleting it.',
    cost: 'expensive',
    query: pruneQuerySchema,
    response: pruneReportSchema,
  },
  prune: {
    ...input,
    method: 'POST',
    path: '/api/prune',
    summary:
      'Deletes what of the bucket nobody needs, for a few seconds; ask again until it is done.',
    cost: 'expensive',
    query: pruneQuerySchema,
    response: pruneReportSchema,
  },
  history: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/history',
    summary: 'Metrics of a run in buckets with mean, least and greatest value, and markers.',
    cost: 'expensive',
    params: ofRun,
    query: historyQuerySchema,
    response: historySchema,
  },
  metrics: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/metrics',
    summary: 'Metrics lines after a cursor, oldest first, at most a thousand.',
    cost: 'cheap',
    params: ofRun,
    query: z.strictObject({ after: streamCursorSchema.default('') }),
    response: metricsPageSchema,
  },
  workers: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/workers',
    summary: 'The workers of a run, those that it has lost too.',
    cost: 'cheap',
    params: ofRun,
    response: z.array(workerReportSchema),
  },
  drainWorker: {
    ...input,
    method: 'POST',
    path: '/api/workers/:memberId/drain',
    summary:
      'Tells a worker to leave after the step under way; whoever starts workers may start another.',
    cost: 'expensive',
    params: z.strictObject({ memberId: z.string().min(1).max(255) }),
    body: drainRequestSchema,
    response: drainReportSchema,
  },
  checkpoints: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/checkpoints',
    summary: 'The checkpoints of a run, newest first.',
    cost: 'expensive',
    params: ofRun,
    response: z.array(checkpointReportSchema),
  },
  pinCheckpoint: {
    ...input,
    method: 'POST',
    path: '/api/runs/:runId/checkpoints/:step/pin',
    summary: 'Keeps a checkpoint that no newer one replaces.',
    cost: 'expensive',
    params: ofCheckpoint,
    response: runStatusSchema,
  },
  unpinCheckpoint: {
    ...input,
    method: 'DELETE',
    path: '/api/runs/:runId/checkpoints/:step/pin',
    summary: 'Lets a checkpoint that was kept go by the rule of the others.',
    cost: 'cheap',
    params: ofCheckpoint,
    response: runStatusSchema,
  },
  evaluationReport: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/evaluations/:step',
    summary:
      'What the evaluation of a fine-tuned model after a step found: metrics, confusions, worst examples.',
    cost: 'expensive',
    params: ofCheckpoint,
    response: fineTuningReportSchema,
  },
  data: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/data',
    summary:
      'A look at the data of a run: examples, shares and the bands of sound ones, odd documents.',
    cost: 'expensive',
    params: ofRun,
    response: dataViewSchema,
  },
  ...modelOperations,
  runLogs: {
    ...input,
    method: 'GET',
    path: '/api/runs/:runId/logs',
    summary: 'Log lines of a run, of all its workers.',
    cost: 'expensive',
    params: ofRun,
    query: logQuerySchema,
    response: logPageSchema,
  },
  logs: {
    ...input,
    method: 'GET',
    path: '/api/logs',
    summary: 'Log lines of all processes.',
    cost: 'expensive',
    query: logQuerySchema,
    response: logPageSchema,
  },
  queues: {
    ...input,
    method: 'GET',
    path: '/api/queues',
    summary: 'Job queues: how much is in them, and whether anyone works on it.',
    cost: 'cheap',
    response: z.array(queueReportSchema),
  },
  jobs: {
    ...input,
    method: 'GET',
    path: '/api/queues/:queue/jobs',
    summary: 'Jobs that failed, newest first.',
    cost: 'expensive',
    params: ofQueue,
    query: jobsQuerySchema,
    response: z.array(jobReportSchema),
  },
  retryJob: {
    ...input,
    method: 'POST',
    path: '/api/queues/:queue/jobs/:jobId/retry',
    summary: 'Runs a failed job again; one that no longer is failed stays as it is.',
    cost: 'expensive',
    params: ofQueue.extend({ jobId: z.string().regex(/^[\w-]{1,100}$/) }),
    response: jobReportSchema,
  },
  events: {
    ...input,
    method: 'GET',
    path: '/api/events',
    summary: 'What changes, as server-sent events that can be resumed by Last-Event-ID.',
    cost: 'expensive',
    query: eventsQuerySchema,
    response: apiEventSchema,
    mediaType: 'text/event-stream',
  },
  configSchema: {
    ...input,
    method: 'GET',
    path: '/api/config-schema',
    summary: 'JSON Schema of a run file, with defaults and descriptions.',
    cost: 'cheap',
    response: document,
  },
  presets: {
    ...input,
    method: 'GET',
    path: '/api/presets',
    summary: 'The run files that are shipped with berth.',
    cost: 'cheap',
    response: z.array(presetSchema),
  },
  openapi: {
    ...input,
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This document.',
    cost: 'cheap',
    response: document,
  },
} as const satisfies Record<string, ApiOperation>;

export type ApiOperationName = keyof typeof apiOperations;
type OperationOf<Name extends ApiOperationName> = (typeof apiOperations)[Name];

/** What a handler of an operation is given: checked, defaults filled in. */
export interface ApiInput<Name extends ApiOperationName> {
  readonly params: z.output<OperationOf<Name>['params']>;
  readonly query: z.output<OperationOf<Name>['query']>;
  readonly body: z.output<OperationOf<Name>['body']>;
}

/** What an operation answers with. */
export type ApiOutput<Name extends ApiOperationName> = z.output<OperationOf<Name>['response']>;
