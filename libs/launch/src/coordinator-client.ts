import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  clusterReportSchema,
  drainReportSchema,
  errorFromWire,
  gridReportSchema,
  isBerthError,
  metricsPageSchema,
  pruneReportSchema,
  removalReportSchema,
  requireKnown,
  runStatusSchema,
  wireErrorSchema,
  type Control,
  type ControlRequest,
  type DrainReport,
  type DrainRequest,
  type ExtensionRequest,
  type GridControl,
  type GridReport,
  type MetricsLine,
  type PruneQuery,
  type PruneReport,
  type RemovalReport,
  fillMaskAnswerSchema,
  forkReportSchema,
  type FillMaskAnswer,
  type ForkReport,
  type ForkRequest,
  predictAnswerSchema,
  type PredictAnswer,
  type PredictionInput,
  type RunConfig,
  type RunRecord,
  type RunStatusReport,
  type WorkerReport,
} from '@berth/contracts';
import { tcpOwner } from './local/tcp-owner.ts';

/** The coordinator's HTTP interface as the command line uses it. */
export interface CoordinatorClient {
  readonly url: string;
  /** The address of a page of the dashboard, with what lets the page in. @param path - such as `/runs/mine` */
  link(path: string): string;
  submit(config: RunConfig, goal: RunRecord['goal']): Promise<RunStatusReport>;
  /** @param config - as it was written, with its grid */
  submitGrid(config: unknown, goal: RunRecord['goal']): Promise<GridReport>;
  /** What came out at the points of a grid. @throws BerthError `RUN_NOT_FOUND` */
  grid(name: string): Promise<GridReport>;
  /** Asks something of all runs of a grid for which it makes a difference. */
  controlGrid(name: string, control: GridControl): Promise<GridReport>;
  /** Asks something of a run; harmless when asked again. */
  control(runId: string, control: Control, request?: ControlRequest): Promise<RunStatusReport>;
  /** All that live. */
  workers(): Promise<WorkerReport[]>;
  /** Tells a worker to leave. @throws BerthError `WORKER_NOT_FOUND` */
  drain(memberId: string, request: DrainRequest): Promise<DrainReport>;
  /** Trains a run that rests for more steps than planned. */
  extend(runId: string, request: ExtensionRequest): Promise<RunStatusReport>;
  /** Keeps a checkpoint that no newer one replaces, or lets it go by the rule of the others. */
  pin(runId: string, step: number, isPinned: boolean): Promise<RunStatusReport>;
  /** Makes a run that goes on from a checkpoint of another, for a few seconds; to be asked again until it is done. */
  fork(runId: string, request: ForkRequest): Promise<ForkReport>;
  /** What the newest checkpoint of a run would put in the place of each [MASK] of a text. */
  fillMask(runId: string, text: string): Promise<FillMaskAnswer>;
  /** What the newest checkpoint of a fine-tuned run says of each input. */
  predict(runId: string, inputs: readonly PredictionInput[]): Promise<PredictAnswer>;
  /** What would go with a run. */
  /** What of the bucket nobody needs. */
  pruning(query: PruneQuery): Promise<PruneReport>;
  /** Deletes that for a few seconds; to be asked again until it is done. */
  prune(query: PruneQuery): Promise<PruneReport>;
  removal(runId: string): Promise<RemovalReport>;
  /** Removes a run for a few seconds; to be asked again until it is done. */
  remove(runId: string): Promise<RemovalReport>;
  status(runId: string): Promise<RunStatusReport>;
  list(): Promise<RunStatusReport[]>;
  /** All metrics lines that are kept, oldest first. */
  metrics(runId: string): Promise<MetricsLine[]>;
}

const requestTimeoutMs = 15_000;
/** Each of its runs is looked at, and written. */
const gridTimeoutMs = 60_000;
/** A coordinator that died is back in seconds; on a busy machine in more. */
const restartTimeoutMs = 30_000;
const pollEveryMs = 250;
/** The first question starts a process and loads a model; the coordinator gives up before. */
const questionTimeoutMs = 120_000;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly timeoutMs: number;
}

export interface ClientOptions {
  /** What the coordinator asks for. */
  readonly token: string | undefined;
  /** True for coordinators that this user started on this machine: nobody else is told the token who has their port meanwhile. */
  readonly isOurs: boolean;
  /** Whether somebody is there who starts the coordinator again when it has died, so that waiting for it helps. */
  readonly isKept?: () => boolean;
}

/** @param url - of one coordinator or, with commas between, of several, of which any will do */
export function createCoordinatorClient(
  url: string,
  { token, isOurs, isKept = () => false }: ClientOptions,
): CoordinatorClient {
  const urls = url.split(',');
  const fetchFrom = async (
    base: string,
    { method, path, body, timeoutMs }: Request,
  ): Promise<Response> => {
    if (isOurs) refuseForeignServer(base);
    return fetch(new URL(path, base), {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  };
  const fetchFromAny = async (request: Request): Promise<Response> => {
    for (const base of urls.slice(0, -1))
      try {
        return await fetchFrom(base, request);
      } catch (error) {
        // Only a request that nobody took may be made again.
        if (!isRefused(error)) throw error;
      }
    return fetchFrom(urls.at(-1) ?? url, request);
  };
  const fetchOnceThere = async (request: Request): Promise<Response> => {
    const deadlineMs = performance.now() + restartTimeoutMs;
    for (;;)
      try {
        return await fetchFromAny(request);
      } catch (error) {
        if (!isRefused(error) || !isKept() || performance.now() >= deadlineMs) throw error;
        await sleep(pollEveryMs);
      }
  };
  const request = async (
    method: string,
    path: string,
    body?: unknown,
    timeoutMs = requestTimeoutMs,
  ): Promise<unknown> => {
    let response: Response;
    try {
      response = await fetchOnceThere({ method, path, body, timeoutMs });
    } catch (error) {
      if (isBerthError(error)) throw error;
      throw new BerthError(
        'COORDINATOR_UNREACHABLE',
        isKept()
          ? `The coordinator at ${url} gave no answer; it is started again where it has died, so try again`
          : `No coordinator answers at ${url}; start one with \`berth up\``,
        { cause: error },
      );
    }
    const value: unknown = await response.json();
    if (response.ok) return value;
    const wire = wireErrorSchema.safeParse(value);
    throw wire.success
      ? errorFromWire(wire.data)
      : new BerthError('INTERNAL', `${method} ${path}: HTTP ${response.status}`);
  };
  const report = async (method: string, path: string, body?: unknown): Promise<RunStatusReport> =>
    requireKnown(runStatusSchema, await request(method, path, body), what);
  const gridReport = async (method: string, path: string, body?: unknown): Promise<GridReport> =>
    requireKnown(gridReportSchema, await request(method, path, body, gridTimeoutMs), what);
  const atGrid = (name: string): string => `/api/grids/${encodeURIComponent(name)}`;
  const what = "The coordinator's answer";
  const at = (runId: string): string => `/api/runs/${encodeURIComponent(runId)}`;

  return {
    url,
    link: (path) =>
      new URL(path, urls[0]).href +
      (token === undefined ? '' : `#token=${encodeURIComponent(token)}`),
    submit: (config, goal) => report('POST', '/api/runs', { config, goal }),
    submitGrid: (config, goal) => gridReport('POST', '/api/grids', { config, goal }),
    grid: (name) => gridReport('GET', atGrid(name)),
    controlGrid: (name, control) => gridReport('POST', `${atGrid(name)}/controls/${control}`, {}),
    control: (runId, control, body = {}) =>
      report('POST', `${at(runId)}/controls/${control}`, body),
    async workers() {
      const cluster = await request('GET', '/api/cluster');
      return requireKnown(clusterReportSchema, cluster, what).workers;
    },
    async drain(memberId, body) {
      const path = `/api/workers/${encodeURIComponent(memberId)}/drain`;
      return requireKnown(drainReportSchema, await request('POST', path, body), what);
    },
    extend: (runId, request) => report('POST', `${at(runId)}/extension`, request),
    pin: (runId, step, isPinned) =>
      report(isPinned ? 'POST' : 'DELETE', `${at(runId)}/checkpoints/${step}/pin`),
    fork: async (runId, body) =>
      requireKnown(forkReportSchema, await request('POST', `${at(runId)}/forks`, body), what),
    fillMask: async (runId, text) =>
      requireKnown(
        fillMaskAnswerSchema,
        await request('POST', `${at(runId)}/fill-mask`, { text }, questionTimeoutMs),
        what,
      ),
    predict: async (runId, inputs) =>
      requireKnown(
        predictAnswerSchema,
        await request('POST', `${at(runId)}/predict`, { inputs }, questionTimeoutMs),
        what,
      ),
    pruning: async ({ minAgeMs }) =>
      requireKnown(
        pruneReportSchema,
        await request('GET', `/api/prune?minAgeMs=${minAgeMs}`, undefined, questionTimeoutMs),
        what,
      ),
    prune: async ({ minAgeMs }) =>
      requireKnown(
        pruneReportSchema,
        await request('POST', `/api/prune?minAgeMs=${minAgeMs}`, {}, questionTimeoutMs),
        what,
      ),
    removal: async (runId) =>
      requireKnown(removalReportSchema, await request('GET', `${at(runId)}/removal`), what),
    remove: async (runId) =>
      requireKnown(removalReportSchema, await request('DELETE', at(runId)), what),
    status: (runId) => report('GET', at(runId)),
    list: async () =>
      requireKnown(runStatusSchema.array(), await request('GET', '/api/runs'), what),
    async metrics(runId) {
      const lines: MetricsLine[] = [];
      for (let cursor = ''; ;) {
        const path = `${at(runId)}/metrics?after=${encodeURIComponent(cursor)}`;
        const page = requireKnown(metricsPageSchema, await request('GET', path), what);
        lines.push(...page.lines);
        if (page.lines.length === 0) return lines;
        cursor = page.cursor;
      }
    },
  };
}

/** @throws BerthError `COORDINATOR_UNREACHABLE` when the port of a coordinator belongs to another user */
function refuseForeignServer(base: string): void {
  const { port } = new URL(base);
  const owner = tcpOwner({ port: Number(port), isListening: true });
  if (owner === undefined || owner === process.getuid?.()) return;
  throw new BerthError(
    'COORDINATOR_UNREACHABLE',
    `Port ${port} belongs to a process of user ${owner}, not to your coordinator; end your cluster and start it again`,
  );
}

function isRefused(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
