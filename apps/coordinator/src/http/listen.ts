import { once } from 'node:events';
import type { Server } from 'node:http';
import { portTaken } from '@berth/contracts';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

/** A server that listens. */
export interface HttpServer {
  /** By which this machine reaches it. */
  readonly url: string;
  /** Ends all connections. */
  close(): void;
}

/** A request may take this long to arrive. */
const requestTimeoutMs = 30_000;

/** @throws BerthError `CONFIG_INVALID` when the port cannot be had */
export async function listen(
  app: Hono,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<HttpServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
  }) as Server;
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (error) {
    throw portTaken(host, port, error);
  }
  const address = server.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  const near = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return {
    url: `http://${near.includes(':') ? `[${near}]` : near}:${actualPort}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
