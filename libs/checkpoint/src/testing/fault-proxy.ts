import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What a proxy does to a request: hand it on; hand it on and drop the answer; drop it; never answer; or answer with this
 * status and S3 error code.
 */
export type Fault =
  'pass' | 'loseReply' | 'reset' | 'hang' | { readonly status: number; readonly code: string };

/** An HTTP proxy in front of an S3 server that misbehaves on request. Gone when the test ends. */
export async function startFaultProxy(
  target: string,
  faultOf: (request: IncomingMessage) => Fault,
): Promise<string> {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    const fault = faultOf(request);
    if (fault === 'hang') return;
    if (fault === 'reset') {
      request.socket.destroy();
      return;
    }
    if (typeof fault === 'object') {
      request.resume();
      response.writeHead(fault.status, { 'Content-Type': 'application/xml' });
      response.end(`<Error><Code>${fault.code}</Code><Message>injected</Message></Error>`);
      return;
    }
    const { method, url: path, headers } = request;
    const upstream = forward({ hostname, port, method, path, headers }, (answer) => {
      if (fault === 'loseReply') {
        answer.resume().on('end', () => request.socket.destroy());
      } else {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      }
    });
    upstream.on('error', () => request.socket.destroy());
    request.pipe(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Gives these faults to the requests that match, one each, and passes everything else. */
export function faultsFor(
  matches: (request: IncomingMessage) => boolean,
  ...faults: Fault[]
): (request: IncomingMessage) => Fault {
  return (request) => (matches(request) ? (faults.shift() ?? 'pass') : 'pass');
}
