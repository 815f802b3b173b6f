import { createReadStream, existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BerthError,
  controlRequestSchema,
  controlSchema,
  extensionQuerySchema,
  extensionRequestSchema,
  errorToWire,
  fillMaskBodySchema,
  historyQuerySchema,
  logQuerySchema,
  parseRunConfig,
  predictBodySchema,
  runConfigJsonSchema,
  toBerthError,
} from '@berth/contracts';
import { madeUpPrediction } from './fine-tuning/made-up-prediction.ts';
import { madeUpAnswer } from './made-up-answer.ts';
import { madeUpData } from './made-up-data.ts';
import { historyOf } from './buckets.ts';
import type { SyntheticCluster } from './synthetic-cluster.ts';

const site = fileURLToPath(new URL('../dist/site', import.meta.url));
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
/** As strict as the coordinator's, so that the tests see what it would forbid. */
const securityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface DevServer {
  readonly url: string;
  readonly cluster: SyntheticCluster;
  close(): Promise<void>;
}

/** The built page and the API of a made-up cluster, on loopback. */
export async function startDevServer(
  cluster: SyntheticCluster,
  { port = 0 }: { port?: number } = {},
): Promise<DevServer> {
  const server = createServer((request, response) => {
    handle(cluster, request, response).catch((error: unknown) => {
      const known = toBerthError(error);
      sendJson(response, known.policy.httpStatus, errorToWire(known));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cluster,
    close: () => closeServer(server, cluster),
  };
}

async function closeServer(server: Server, cluster: SyntheticCluster): Promise<void> {
  cluster.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

async function handle(
  cluster: SyntheticCluster,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const parts = url.pathname
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  if (parts[0] !== 'api') return sendFile(response, url.pathname);
  if (cluster.needsToken && request.headers.authorization !== 'Bearer secret')
    return sendJson(response, 401, {
      code: 'REQUEST_UNAUTHORIZED',
      message: 'This needs the token',
      details: {},
    });
  if (parts[1] === 'events') return sendEvents(cluster, url, response);
  const query = Object.fromEntries(url.searchParams);
  const body = request.method === 'POST' ? await readJson(request) : undefined;
  sendJson(response, 200, answer(cluster, `${request.method}`, parts.slice(1), query, body));
}

function answer(
  cluster: SyntheticCluster,
  method: string,
  [area, id = '', what, which = '', verb]: readonly string[],
  query: Record<string, string>,
  body: unknown,
): unknown {
  if (area === 'cluster') return cluster.report();
  if (area === 'config-schema') return runConfigJsonSchema();
  if (area === 'presets') return [{ name: 'demo', config: demoConfig() }];
  if (area === 'queues') {
    if (verb === 'retry') return cluster.retry(which);
    return id === '' ? cluster.queues() : cluster.jobs.filter(({ queue }) => queue === id);
  }
  if (area === 'workers' && what === 'drain') return cluster.drain(id);
  if (area !== 'runs') throw new BerthError('USAGE', `No such path: ${area}`);
  if (id === '')
    return method === 'POST'
      ? cluster.submit((body as { config: unknown }).config)
      : cluster.runs.map((run) => run.report());
  const run = cluster.find(id);
  switch (what) {
    case undefined:
      return method === 'DELETE' ? cluster.remove(id) : run.report();
    case 'removal':
      return cluster.removal(run);
    case 'extension':
      return method === 'POST'
        ? cluster.extend(id, extensionRequestSchema.parse(body))
        : cluster.extension(id, extensionQuerySchema.parse(query));
    case 'workers':
      return run.workers;
    case 'checkpoints':
      return verb === 'pin'
        ? cluster.pin(run, Number(which), method === 'POST')
        : run.checkpointReports();
    case 'logs':
      return cluster.logs(id, logQuerySchema.parse(query));
    case 'history':
      return historyOf(id, run.history.stretches, run.markers, historyQuerySchema.parse(query));
    case 'data':
      return madeUpData(run);
    case 'evaluations':
      return cluster.evaluation(run, Number(which));
    case 'predict':
      return madeUpPrediction(run, predictBodySchema.parse(body));
    case 'fill-mask':
      return madeUpAnswer(fillMaskBodySchema.parse(body), run);
    case 'controls':
      return cluster.control(
        id,
        controlSchema.parse(which),
        controlRequestSchema.parse(body).fromStep,
      );
    default:
      throw new BerthError('USAGE', `No such path: ${what}`);
  }
}

function demoConfig(): unknown {
  return parseRunConfig(
    {
      name: 'demo',
      seed: 20_261_123,
      corpus: { path: 'corpus/sotu.jsonl.gz' },
      vocabulary: { size: 8192 },
      examples: { maxSeqLength: 64, maxPredictions: 10 },
      model: { size: 'mini', maxPositions: 128 },
      optimizer: { learningRate: 0.001, numWarmupSteps: 20, schedule: 'linear' },
      train: {
        numSteps: 120,
        globalBatch: 32,
        virtualRanks: 4,
        evalEverySteps: 10,
        checkpointEverySteps: 40,
      },
      cluster: { numWorkers: 2 },
    },
    'preset',
  );
}

function sendEvents(cluster: SyntheticCluster, url: URL, response: ServerResponse): void {
  const runId = url.searchParams.get('run');
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('id: 0\n\n');
  const stop = cluster.subscribe((id, event) => {
    const isOfAll = event.type === 'run' || event.type === 'cluster';
    if (isOfAll || ('runId' in event && event.runId === runId))
      response.write(`id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
  });
  const beat = setInterval(() => response.write(': beat\n\n'), 2_000);
  response.on('close', () => {
    stop();
    clearInterval(beat);
  });
}

function sendFile(response: ServerResponse, path: string): void {
  const wanted = join(site, normalize(path));
  const file = extname(path) !== '' && existsSync(wanted) ? wanted : join(site, 'index.html');
  response.writeHead(200, {
    'content-type': types[extname(file)] ?? 'application/octet-stream',
    'content-security-policy': securityPolicy,
  });
  createReadStream(file).pipe(response);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}');
}
