import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

export interface MetadataServer {
  readonly endpoint: string;
  /** Method and path of what was asked, in order. */
  readonly asked: string[];
}

/** A server on loopback that answers as one of a cloud does, until the test is over. */
export async function serveMetadata(answer: Answer): Promise<MetadataServer> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://metadata');
    asked.push(`${request.method} ${url.pathname}`);
    answer(request, response, url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

export function reply(response: ServerResponse, status: number, body = '', headers = {}): void {
  response.writeHead(status, headers).end(body);
}
