import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { describeSpace, isOutOfSpace, silentLogger, type Logger } from '@berth/contracts';
import { S3Error } from './errors.ts';
import { parseTarget, type S3Response } from './request.ts';
import { findHandler } from './router.ts';
import { verifySignature, type Credentials } from './sigv4.ts';
import { openStorage, type Storage } from './storage.ts';
import { xmlDocument } from './xml.ts';

const idleTimeoutMs = 120_000;
const checkIntervalMs = 1_000;
/** Far more than a cluster has, and few enough to be no burden. */
const maxConnections = 1_024;
const keepAliveTimeoutMs = 65_000;
const closeTimeoutMs = 5_000;
const defaultUnauthenticatedTimeoutMs = 20_000;

export interface S3ServerOptions {
  /** Holds the buckets; created if missing. One server at a time. */
  readonly folder: string;
  /** @defaultValue '127.0.0.1' */
  readonly host?: string;
  /** 0 picks a free one. @defaultValue 0 */
  readonly port?: number;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A connection may stand so long without a signed request. @defaultValue 20_000 */
  readonly unauthenticatedTimeoutMs?: number;
  /** @defaultValue silent */
  readonly logger?: Logger;
}

export interface S3Server {
  /** `http://host:port` */
  readonly endpoint: string;
  readonly port: number;
  /** Takes no more requests, lets those in progress finish for up to 5 s, then cuts them off. */
  close(): Promise<void>;
}

/**
 * Starts an S3 server over a local folder: path-style buckets, Signature Version 4, one pair of credentials.
 * Rejects with the system's error when the folder cannot be made or the port is taken.
 */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const { folder, host = '127.0.0.1', port = 0, logger = silentLogger } = options;
  const { unauthenticatedTimeoutMs = defaultUnauthenticatedTimeoutMs } = options;
  const storage = await openStorage(folder);
  const server = createServer(
    { connectionsCheckingInterval: checkIntervalMs },
    (request, response) => void serve(storage, options, logger, request, response),
  );
  // An upload may take as long as it needs, but not stand still.
  server.requestTimeout = 0;
  // Until it is signed: what is not may not stand long.
  server.timeout = unauthenticatedTimeoutMs;
  server.headersTimeout = unauthenticatedTimeoutMs;
  server.maxConnections = maxConnections;
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const endpoint = `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
  return { endpoint, port: address.port, close: () => closeServer(server) };
}

async function serve(
  storage: Storage,
  options: S3ServerOptions,
  logger: Logger,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  response.setHeader('x-amz-request-id', requestId);
  try {
    await send(request, response, await answer(storage, options, request));
  } catch (error) {
    const fields = { requestId, method: request.method, url: request.url };
    const refusal = await refusalOf(error, storage.folder);
    if (refusal) logger.debug(`refused: ${refusal.code}`, fields);
    else if (isGone(request, error)) logger.debug('client went away', fields);
    else logger.error('request failed', { ...fields, error });
    // The rest of the body is nobody's any more; without being read it would keep the answer from the client.
    request.resume();
    response.once('finish', () => {
      // Node takes it for an idle connection that may be used again.
      if (!request.complete)
        request.socket.setTimeout(
          options.unauthenticatedTimeoutMs ?? defaultUnauthenticatedTimeoutMs,
        );
    });
    if (response.headersSent) response.destroy();
    else await send(request, response, errorResponse(request, requestId, refusal)).catch(() => {});
  }
}

async function answer(
  storage: Storage,
  credentials: Credentials,
  request: IncomingMessage,
): Promise<S3Response> {
  const { method = '', url = '/' } = request;
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const headers = plainHeaders(request);
  const target = parseTarget(path, query);
  const signing = verifySignature({ method, path, query, headers }, credentials, Date.now());
  request.socket.setTimeout(idleTimeoutMs);
  const handler = findHandler(method, target);
  // A handler that throws half-way through the body must still be able to answer.
  const body = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  return handler(storage, { ...target, method, headers, body, signing });
}

/** Whether the client left while it sent its request, or was sent the answer. */
function isGone(request: IncomingMessage, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  const hasLeft = code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ERR_STREAM_UNABLE_TO_PIPE';
  return hasLeft || (!request.complete && request.destroyed);
}

/** What the client is told: what a handler refused, or that there is no space left. */
async function refusalOf(error: unknown, folder: string): Promise<S3Error | undefined> {
  if (error instanceof S3Error) return error;
  if (!isOutOfSpace(error)) return undefined;
  return new S3Error('StorageFull', `No space left for objects in ${await describeSpace(folder)}.`);
}

function plainHeaders(request: IncomingMessage): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : value,
    ]),
  );
}

async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers = {}, body }: S3Response,
): Promise<void> {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  if (body === undefined || typeof body === 'string') {
    if (body !== undefined) response.setHeader('Content-Type', 'application/xml');
    const length = Buffer.byteLength(body ?? '');
    if (request.method !== 'HEAD' && status !== 204) response.setHeader('Content-Length', length);
    response.end(body);
  } else {
    try {
      await pipeline(body, response);
    } finally {
      // Node 26 leaves it open where the client has left before.
      body.destroy();
    }
  }
}

function errorResponse(
  request: IncomingMessage,
  requestId: string,
  refusal: S3Error | undefined,
): S3Response {
  const status = refusal?.status ?? 500;
  if (request.method === 'HEAD' || status === 304) return { status };
  return {
    status,
    body: xmlDocument('Error', {
      Code: refusal?.code ?? 'InternalError',
      Message: refusal?.message ?? 'We encountered an internal error. Please try again.',
      Resource: request.url,
      RequestId: requestId,
    }),
  };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
  await closed;
  clearTimeout(timer);
}
