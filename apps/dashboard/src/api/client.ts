import type {
  CheckpointChoice,
  ExportAnswer,
  FillMaskAnswer,
  CheckpointReport,
  FineTuningReport,
  ClusterReport,
  Control,
  ControlRequest,
  DataView,
  DrainReport,
  ExtensionReport,
  ExtensionRequest,
  History,
  JobReport,
  LogPage,
  PredictAnswer,
  PredictionInput,
  QueueReport,
  RemovalReport,
  RunConfig,
  RunStatusReport,
  WireError,
  WorkerReport,
} from '@berth/contracts';
import { askToken, readToken } from './token.ts';

/** Longest that a request may take before it counts as failed. */
const timeoutMs = 15_000;
/** The same where a worker may have to load a model first. */
const modelTimeoutMs = 120_000;
/** A model of large has 1.3 GB to be read, written and sent. */
const exportTimeoutMs = 1_800_000;

/** The server's refusal, in its own words, or that it could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A run file that is shipped with berth, to start from. */
export interface Preset {
  readonly name: string;
  readonly config: RunConfig;
}

export interface HistoryOptions {
  readonly metrics: readonly string[];
  readonly kind: 'step' | 'eval';
  readonly x: 'step' | 'time';
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly numBuckets: number;
}

export interface FillMaskQuestion {
  readonly text: string;
  readonly numCandidates: number;
  readonly checkpoint: CheckpointChoice;
}

interface PredictQuestion {
  readonly inputs: readonly PredictionInput[];
  readonly checkpoint: CheckpointChoice;
}

export interface LogOptions {
  readonly level: string;
  readonly source?: string | undefined;
  readonly text?: string | undefined;
  readonly after?: string | undefined;
  readonly before?: string | undefined;
  readonly limit?: number | undefined;
}

/** The coordinator's HTTP interface. Every call rejects with `ApiError`. */
export interface Api {
  cluster(): Promise<ClusterReport>;
  runs(): Promise<RunStatusReport[]>;
  workers(runId: string): Promise<WorkerReport[]>;
  /** Tells a worker to leave. */
  drain(memberId: string): Promise<DrainReport>;
  checkpoints(runId: string): Promise<CheckpointReport[]>;
  /** A look at what the run learns from. */
  data(runId: string): Promise<DataView>;
  /** What the evaluation of a fine-tuned model after a step found. */
  evaluation(runId: string, step: number): Promise<FineTuningReport>;
  history(runId: string, options: HistoryOptions): Promise<History>;
  logs(runId: string, options: LogOptions): Promise<LogPage>;
  queues(): Promise<QueueReport[]>;
  failedJobs(queue: string): Promise<JobReport[]>;
  retryJob(queue: string, id: string): Promise<unknown>;
  submit(config: unknown): Promise<RunStatusReport>;
  control(runId: string, control: Control, body?: ControlRequest): Promise<RunStatusReport>;
  /** What more steps would make of a run. */
  extension(runId: string, request: ExtensionRequest): Promise<ExtensionReport>;
  extend(runId: string, request: ExtensionRequest): Promise<RunStatusReport>;
  /** Keeps a checkpoint for good, or no longer. */
  pin(runId: string, step: number, isPinned: boolean): Promise<RunStatusReport>;
  /** What would go with a run. */
  removal(runId: string): Promise<RemovalReport>;
  /** Removes a run for a few seconds; to be asked again until it is done. */
  remove(runId: string): Promise<RemovalReport>;
  /** What a model of the run puts in the place of each [MASK]. */
  fillMask(runId: string, body: FillMaskQuestion): Promise<FillMaskAnswer>;
  /** What a fine-tuned model of the run says of each input. */
  predict(runId: string, body: PredictQuestion): Promise<PredictAnswer>;
  /** Writes a checkpoint into the bucket as a folder that Hugging Face's libraries open. */
  exportRun(runId: string, body: { readonly checkpoint: number }): Promise<ExportAnswer>;
  configSchema(): Promise<Record<string, unknown>>;
  presets(): Promise<Preset[]>;
}

export const api: Api = {
  cluster: () => get('/api/cluster'),
  runs: () => get('/api/runs'),
  workers: (runId) => get(`${pathOf(runId)}/workers`),
  drain: (memberId) => post(`/api/workers/${encodeURIComponent(memberId)}/drain`),
  checkpoints: (runId) => get(`${pathOf(runId)}/checkpoints`),
  data: (runId) => get(`${pathOf(runId)}/data`),
  evaluation: (runId, step) => get(`${pathOf(runId)}/evaluations/${step}`),
  history: (runId, { metrics, ...rest }) =>
    get(`${pathOf(runId)}/history${query({ metrics: metrics.join(','), ...rest })}`),
  logs: (runId, options) => get(`${pathOf(runId)}/logs${query({ ...options })}`),
  queues: () => get('/api/queues'),
  failedJobs: (queue) => get(`${pathOfQueue(queue)}?state=failed`),
  retryJob: (queue, id) => post(`${pathOfQueue(queue)}/${encodeURIComponent(id)}/retry`),
  submit: (config) => post('/api/runs', { config, goal: 'trained' }),
  control: (runId, control, body = {}) => post(`${pathOf(runId)}/controls/${control}`, body),
  extension: (runId, request) => get(`${pathOf(runId)}/extension${query({ ...request })}`),
  extend: (runId, request) => post(`${pathOf(runId)}/extension`, request),
  pin: (runId, step, isPinned) =>
    request(`${pathOf(runId)}/checkpoints/${step}/pin`, { method: isPinned ? 'POST' : 'DELETE' }),
  removal: (runId) => get(`${pathOf(runId)}/removal`),
  remove: (runId) => request(pathOf(runId), { method: 'DELETE' }),
  fillMask: (runId, body) => post(`${pathOf(runId)}/fill-mask`, body, modelTimeoutMs),
  predict: (runId, body) => post(`${pathOf(runId)}/predict`, body, modelTimeoutMs),
  exportRun: (runId, body) => post(`${pathOf(runId)}/export`, body, exportTimeoutMs),
  configSchema: () => get('/api/config-schema'),
  presets: () => get('/api/presets'),
};

/** Names and values as a query string; what is undefined is left out. */
export function query(values: Readonly<Record<string, string | number | undefined>>): string {
  const entries = Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`;
}

function pathOf(runId: string): string {
  return `/api/runs/${encodeURIComponent(runId)}`;
}

function pathOfQueue(queue: string): string {
  return `/api/queues/${encodeURIComponent(queue)}/jobs`;
}

function get<T>(path: string): Promise<T> {
  return request<T>(path, {});
}

function post<T>(path: string, body: unknown = {}, patienceMs?: number): Promise<T> {
  return request<T>(path, { method: 'POST', body: JSON.stringify(body) }, patienceMs);
}

/** Asks for the token until the server takes it or the person gives up. */
async function request<T>(path: string, init: RequestInit, patienceMs = timeoutMs): Promise<T> {
  for (;;) {
    const token = readToken();
    try {
      return await send<T>(path, { ...init, signal: AbortSignal.timeout(patienceMs) }, token);
    } catch (error) {
      const isRefused = error instanceof ApiError && error.status === 401;
      if (!isRefused || !(await askToken(token))) throw error;
    }
  }
}

async function send<T>(path: string, init: RequestInit, token: string | null): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (init.body !== undefined) headers['content-type'] = 'application/json';
  if (token !== null) headers['authorization'] = `Bearer ${token}`;
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch {
    throw new ApiError('UNREACHABLE', 'The coordinator does not answer; is it running?', 0);
  }
  const body = (await response.json().catch(() => undefined)) as unknown;
  if (response.ok) return body as T;
  const { code, message } = (body ?? {}) as Partial<WireError>;
  throw new ApiError(
    code ?? 'INTERNAL',
    message ?? `The coordinator answered ${response.status} to ${path}`,
    response.status,
  );
}
