import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BerthError } from '@berth/contracts';

/** Where a worker answers Prometheus. */
export interface MetricsPlace {
  readonly host: string;
  readonly port: number;
}

export interface MetricsPage {
  /** False while the device hangs, which the process does not outlive long. */
  isWell(): boolean;
  /** Why it does not take part in a run; undefined when it does, or stands by to. */
  whyNotReady(): string | undefined;
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsServer {
  readonly port: number;
  close(): void;
}

const requestTimeoutMs = 5_000;

/**
 * Answers `/healthz`, `/readyz` and `/metrics`, nothing else.
 * @throws BerthError `CONFIG_INVALID` when it cannot listen there
 */
export async function startMetricsServer(
  { host, port }: MetricsPlace,
  page: MetricsPage,
): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: requestTimeoutMs }, (request, response) => {
    const path = request.url?.split('?')[0];
    if (request.method !== 'GET') answer(response, 405, 'GET only\n');
    else if (path === '/healthz')
      if (page.isWell()) answer(response, 200, 'ok\n');
      else answer(response, 503, 'the device hangs\n');
    else if (path === '/readyz') {
      const why = page.whyNotReady();
      if (why === undefined) answer(response, 200, 'ready\n');
      else answer(response, 503, `${why}\n`);
    } else if (path === '/metrics')
      page.text().then(
        (text) => answer(response, 200, text, page.contentType),
        () => answer(response, 500, 'the metrics cannot be gathered\n'),
      );
    else answer(response, 404, 'see /metrics, /healthz and /readyz\n');
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError(
      'CONFIG_INVALID',
      `metrics cannot be served on ${host}:${port}: ${detail}; choose another BERTH_METRICS_PORT`,
      { cause },
    );
  }
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType }).end(text);
}
