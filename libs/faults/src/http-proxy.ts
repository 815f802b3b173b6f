import { once } from 'node:events';
import {
  createServer,
  request as forward,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What a proxy does to a request: hand it on; hand it on and drop the answer; drop it; never answer; change one bit of the
 * answer's body; answer with this status and S3 error code; hand it on late; take it in whole, and hand it on later even if
 * the client has given up meanwhile; or hand it on once something else is done.
 */
export type HttpFault =
  | 'pass'
  | 'loseReply'
  | 'reset'
  | 'hang'
  | 'flipBit'
  | { readonly status: number; readonly code: string }
  | { readonly delayMs: number }
  | { readonly holdMs: number }
  | { readonly after: () => Promise<unknown> };

export type HttpFaultChoice = (request: IncomingMessage) => HttpFault;

export interface HttpProxy {
  readonly url: string;
  close(): Promise<void>;
}

/** An HTTP proxy on loopback in front of an S3 server. */
export async function startHttpProxy(target: string, faultOf: HttpFaultChoice): Promise<HttpProxy> {
  const server = createServer((request, response) => {
    // Whatever goes wrong on the way looks like a broken connection to the client.
    handle(request, response, new URL(target), faultOf(request)).catch(() =>
      request.socket.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

type Target = Pick<URL, 'hostname' | 'port'>;

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  { hostname, port }: Target,
  fault: HttpFault,
): Promise<void> {
  if (fault === 'hang') return;
  if (fault === 'reset') return void request.socket.destroy();
  if (typeof fault === 'object') {
    if ('status' in fault) return refuse(request, response, fault);
    if ('holdMs' in fault) return hold(request, response, { hostname, port }, fault.holdMs);
    if ('after' in fault) await fault.after();
    else await delay(fault.delayMs);
  }
  const { method, url: path, headers } = request;
  const upstream = forward({ hostname, port, method, path, headers });
  request.pipe(upstream);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  if (fault === 'loseReply') {
    answer.resume().on('end', () => request.socket.destroy());
    return;
  }
  answer.on('error', () => request.socket.destroy());
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  let isDue = fault === 'flipBit';
  answer.on('data', (bytes: Buffer) => {
    if (isDue) bytes[bytes.length >> 1]! ^= 0x10;
    isDue = false;
    if (!response.write(bytes)) {
      answer.pause();
      response.once('drain', () => answer.resume());
    }
  });
  answer.on('end', () => response.end());
}

async function hold(
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  holdMs: number,
): Promise<void> {
  const { method, url: path, headers } = request;
  const body = await buffer(request);
  await delay(holdMs);
  const upstream = forward({ ...target, method, path, headers }).end(body);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 500, answer.headers);
  // Writing to a client that is gone does nothing.
  answer.pipe(response);
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code }: { readonly status: number; readonly code: string },
): void {
  request.resume();
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  response.end(`<Error><Code>${code}</Code><Message>injected</Message></Error>`);
}

/** Gives these faults to the requests that match, one each, and passes everything else. */
export function faultsFor(
  matches: (request: IncomingMessage) => boolean,
  ...faults: HttpFault[]
): HttpFaultChoice {
  return (request) => (matches(request) ? (faults.shift() ?? 'pass') : 'pass');
}
