import { once } from 'node:events';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, type Logger, type Services } from '@berth/contracts';
import { Supervised } from './child-process.ts';
import { startServices, type Disturbances } from './services.ts';

export interface ClusterOptions {
  /** Where logs and the embedded services' data live. */
  readonly folder: string;
  readonly numWorkers: number;
  readonly numThreads: number;
  /** Port of the coordinator; any free one when left out. */
  readonly httpPort?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Told when something worth a line happened. */
  readonly say: (message: string) => void;
}

/** A coordinator and workers on this machine, with their services. */
export interface Cluster {
  readonly coordinatorUrl: string;
  readonly services: Services;
  /** Process ids of the workers, for those who want to kill one. */
  workerPids(): number[];
  coordinatorPid(): number | undefined;
  readonly disturb: Disturbances;
  close(): Promise<void>;
}

/** What a running cluster leaves in its folder so that other commands find it. */
export interface ClusterFile {
  readonly pid: number;
  readonly coordinatorUrl: string;
  readonly services: Services;
}

const readyTimeoutMs = 60_000;

/** Starts everything a run needs on this machine. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, numWorkers, numThreads, logger, say } = options;
  mkdirSync(folder, { recursive: true });
  const running = await startServices(folder, options.env, logger);
  for (const line of running.embedded) say(`started ${line}`);
  const env = { ...environmentOfServices(running.services), BERTH_FOLDER: folder };
  const children: Supervised[] = [];
  const supervise = (name: string, entry: string, extra: Record<string, string>): Supervised => {
    const child = new Supervised({
      name,
      entry,
      env: { ...env, ...extra },
      logFolder: join(folder, 'logs'),
      readyTimeoutMs,
      onRestart: (exit) => say(`${name} ended with ${exit}; starting it again`),
    });
    children.push(child);
    return child;
  };
  const file = clusterFile(folder);
  const close = async (): Promise<void> => {
    rmSync(file, { force: true });
    // Workers first: they still need the services to leave in order.
    for (const group of [children.slice(1), children.slice(0, 1)])
      await Promise.all(group.map((child) => child.stop()));
    await running.close();
  };
  try {
    const coordinator = supervise('coordinator', entryOf('@berth/coordinator/main'), {
      BERTH_HTTP_PORT: String(options.httpPort ?? (await freePort())),
    });
    const workers = Array.from({ length: numWorkers }, (_, index) =>
      supervise(`worker-${index + 1}`, entryOf('@berth/worker/main'), {
        BERTH_WORKER_NAME: `worker-${index + 1}`,
        BERTH_NUM_THREADS: String(numThreads),
      }),
    );
    const [ready] = await Promise.all([coordinator, ...workers].map((child) => child.start()));
    const { url } = ready as { url: string };
    const contents: ClusterFile = {
      pid: process.pid,
      coordinatorUrl: url,
      services: running.services,
    };
    // Written beside and renamed: who looks finds all of it or nothing.
    writeFileSync(`${file}.new`, JSON.stringify(contents, null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return {
      coordinatorUrl: url,
      services: running.services,
      workerPids: () => workers.flatMap((worker) => worker.pid ?? []),
      coordinatorPid: () => coordinator.pid,
      disturb: running.disturb,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The cluster that runs from a folder, or undefined when none does. */
export function findCluster(folder: string): ClusterFile | undefined {
  let found: ClusterFile;
  try {
    found = JSON.parse(readFileSync(clusterFile(folder), 'utf8')) as ClusterFile;
    process.kill(found.pid, 0);
  } catch {
    return undefined;
  }
  return found;
}

function clusterFile(folder: string): string {
  return join(folder, 'cluster.json');
}

/** A port that is free now. Chosen here so that a restarted coordinator comes back on it. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function entryOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}
