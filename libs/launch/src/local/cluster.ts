import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOfServices, type Logger, type Services } from '@berth/contracts';
import { Supervised } from './supervised-process.ts';
import { clusterSecret, clusterToken } from './cluster-secret.ts';
import { createCoordinatorClient, type CoordinatorClient } from '../coordinator-client.ts';
import { formatDuration } from '../format-duration.ts';
import { freePort } from './free-ports.ts';
import { makeFolder } from './make-folder.ts';
import { makePrivate } from './private-folder.ts';
import { removeJoinFiles, writeJoinFiles } from './join-files.ts';
import { identityOf, isRunning, type ProcessIdentity } from './process-identity.ts';
import { relayEnvironment } from './relay-environment.ts';
import { reportDeath } from './report-death.ts';
import { startServices, type Disturbances } from '../services/services.ts';

export interface ClusterOptions {
  /** Where logs and the embedded services' data live. */
  readonly folder: string;
  readonly numWorkers: number;
  readonly numThreads: number;
  /** One coordinates, the others stand by; each answers HTTP. @defaultValue 1 */
  readonly numCoordinators?: number;
  /** More settings of a worker's process, by its index. */
  readonly workerEnvironment?: (index: number) => Readonly<Record<string, string>>;
  /** Port of the first coordinator; any free one when left out. */
  readonly httpPort?: number | undefined;
  /** Address of this machine at which workers of other machines reach it. @defaultValue they do not */
  readonly reach?: string | undefined;
  /** The run that it is started for: others that are unfinished stay so. @defaultValue it works on all */
  readonly ownRun?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Told when something worth a line happened. */
  readonly say: (message: string) => void;
  /** Told when the coordinators answer, while workers still load. */
  readonly onCoordinators?: (client: CoordinatorClient) => void;
}

/** A coordinator and workers on this machine, with their services. */
export interface Cluster {
  readonly client: CoordinatorClient;
  readonly services: Services;
  /** The processes that are ready now, for those who want to kill one. */
  workers(): ClusterProcess[];
  coordinators(): ClusterProcess[];
  readonly disturb: Disturbances;
  close(): Promise<void>;
}

export interface ClusterProcess {
  /** Its member or coordinator id. */
  readonly id: string;
  readonly pid: number;
  readonly index: number;
}

/** What a running cluster leaves in its folder so that other commands find it. */
export interface ClusterFile {
  /** The one that started it, and ends it. */
  readonly owner: ProcessIdentity;
  /** Of all coordinators, with commas between. */
  readonly coordinatorUrl: string;
  readonly apiToken: string;
  readonly services: Services;
}

/** A busy machine may take minutes to load TensorFlow twice; to start over would not be faster. */
const readyTimeoutMs = 300_000;

/** Starts everything a run needs on this machine. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { folder, numWorkers, numThreads, logger, say } = options;
  makeFolder(folder, 'set BERTH_FOLDER to a folder that can be');
  const startedMs = performance.now();
  const sinceMs = Date.now();
  makePrivate(folder, say);
  say(`starting a cluster with its data in ${folder}`);
  const running = await startServices(folder, options.env, logger, {
    reach: options.reach,
  });
  for (const line of running.embedded) say(`started ${line}`);
  const secret = clusterSecret(folder, options.env);
  const apiToken = clusterToken(folder, options.env);
  const env = { ...environmentOfServices(running.services), BERTH_FOLDER: folder };
  const { openLogSink } = await import('@berth/queue');
  const deaths = openLogSink(running.services.redisUrl);
  const workers: Supervised[] = [];
  const coordinators: Supervised[] = [];
  const supervise = (
    name: string,
    entry: string,
    extra: Record<string, string | undefined>,
  ): Supervised =>
    new Supervised({
      name,
      entry,
      env: { ...env, ...extra },
      logFolder: join(folder, 'logs'),
      readyTimeoutMs,
      say,
      onRestart: (exit) => {
        say(`${name} ${exit.how}; starting it again`);
        void reportDeath(name, exit, deaths);
      },
    });
  const file = clusterFile(folder);
  const close = async (): Promise<void> => {
    rmSync(file, { force: true });
    removeJoinFiles(folder);
    // Workers first: they still need the services to leave in order.
    for (const group of [workers, coordinators])
      await Promise.all(group.map((child) => child.stop()));
    deaths.close();
    await running.close();
  };
  try {
    for (let index = 0; index < (options.numCoordinators ?? 1); index++) {
      const name = index === 0 ? 'coordinator' : `coordinator-${index + 1}`;
      const port = index === 0 ? options.httpPort : undefined;
      coordinators.push(
        supervise(name, entryOf('@berth/coordinator/program'), {
          // Chosen here so that a restarted coordinator comes back on it.
          BERTH_HTTP_PORT: String(port || (await freePort(options.reach))),
          ...(options.reach !== undefined && { BERTH_HTTP_HOST: options.reach }),
          BERTH_OWN_RUN: options.ownRun,
          BERTH_OWN_SINCE_MS: String(sinceMs),
          BERTH_API_TOKEN: apiToken,
          ...relayEnvironment(options.env, { secret, isFirst: index === 0 }),
        }),
      );
    }
    for (let index = 0; index < numWorkers; index++)
      workers.push(
        supervise(`worker-${index + 1}`, entryOf('@berth/worker/program'), {
          BERTH_WORKER_NAME: `worker-${index + 1}`,
          BERTH_NUM_THREADS: String(numThreads),
          BERTH_SECRET: secret,
          BERTH_API_TOKEN: undefined,
          ...(options.reach !== undefined && { BERTH_PEER_HOST: options.reach }),
          ...options.workerEnvironment?.(index),
        }),
      );
    say(`starting ${processesText(coordinators.length, numWorkers)}`);
    const connect = (): CoordinatorClient =>
      createCoordinatorClient(urlOf(coordinators), { token: apiToken, isOurs: true });
    await reminding([...coordinators, ...workers], startedMs, say, async () => {
      const answering = Promise.all(coordinators.map((child) => child.start()));
      await Promise.all([
        answering.then(() => options.onCoordinators?.(connect())),
        ...workers.map((child) => child.start()),
      ]);
    });
    say(`ready after ${formatDuration(performance.now() - startedMs)}`);
    const url = urlOf(coordinators);
    const contents: ClusterFile = {
      owner: { pid: process.pid, startTicks: '', ...identityOf(process.pid) },
      coordinatorUrl: url,
      apiToken,
      services: running.services,
    };
    // Written beside and renamed: who looks finds all of it or nothing.
    writeFileSync(`${file}.new`, JSON.stringify(contents, null, 2), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    const { services } = running;
    if (options.reach !== undefined)
      writeJoinFiles(folder, { services, secret, coordinatorUrl: url, apiToken });
    return {
      client: connect(),
      services: running.services,
      workers: () => readyProcesses(workers, 'memberId'),
      coordinators: () => readyProcesses(coordinators, 'coordinatorId'),
      disturb: running.disturb,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const remindEveryMs = 5_000;

/** Says now and then which processes are not ready yet, for as long as they start. */
async function reminding(
  children: readonly Supervised[],
  sinceMs: number,
  say: (message: string) => void,
  start: () => Promise<void>,
): Promise<void> {
  const timer = setInterval(() => {
    const missing = children.filter(({ readyMessage }) => readyMessage === undefined);
    const names = missing.map(({ name }) => name).join(', ');
    say(`starting, ${formatDuration(performance.now() - sinceMs)} so far: ${names}`);
  }, remindEveryMs);
  try {
    await start();
  } finally {
    clearInterval(timer);
  }
}

/** Addresses of coordinators that are ready, with commas between. */
function urlOf(coordinators: readonly Supervised[]): string {
  return coordinators.map(({ readyMessage }) => (readyMessage as { url: string }).url).join(',');
}

function processesText(numCoordinators: number, numWorkers: number): string {
  const workers = numWorkers === 1 ? 'a worker, which loads' : `${numWorkers} workers, which load`;
  const coordinators =
    numCoordinators === 1 ? 'the coordinator' : `${numCoordinators} coordinators`;
  return numWorkers === 0 ? coordinators : `${coordinators} and ${workers} TensorFlow`;
}

function readyProcesses(
  children: readonly Supervised[],
  idKey: 'memberId' | 'coordinatorId',
): ClusterProcess[] {
  return children.flatMap(({ pid, readyMessage }, index) =>
    pid === undefined || readyMessage === undefined
      ? []
      : { id: (readyMessage as Record<typeof idKey, string>)[idKey], pid, index },
  );
}

/** The cluster that runs from a folder, or undefined when none does. */
export function findCluster(folder: string): ClusterFile | undefined {
  let found: ClusterFile;
  try {
    found = JSON.parse(readFileSync(clusterFile(folder), 'utf8')) as ClusterFile;
  } catch {
    return undefined;
  }
  return isRunning(found.owner) ? found : undefined;
}

function clusterFile(folder: string): string {
  return join(folder, 'cluster.json');
}

export function entryOf(specifier: string): string {
  return fileURLToPath(import.meta.resolve(specifier));
}
