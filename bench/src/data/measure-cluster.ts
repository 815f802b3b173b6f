import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createS3ObjectStore } from '@berth/checkpoint';
import {
  heldOutShardsOf,
  isFinal,
  silentLogger,
  type ObjectStore,
  type RunConfig,
  type RunStatusReport,
} from '@berth/contracts';
import { readDatasetManifest } from '@berth/data';
import { startCluster, type Cluster } from '@berth/launch';
import { connectRedis } from '@berth/queue';
import { cpuSecondsOf, folderBytes } from './process-use.ts';
import { residentMb } from '../resident-mb.ts';
import type { TurnReport } from './turn-watch.ts';

/** What the preparation of a corpus took, by all processes of a cluster. */
export interface Preparation {
  readonly numWorkers: number;
  /** From its submission until the dataset stood in the bucket, until the first shard of examples, and until all was there. */
  readonly datasetSeconds: number;
  readonly firstExamplesSeconds: number;
  readonly seconds: number;
  /** Processor time of the workers, of each, and by what the run said it was doing. */
  readonly workerCpuSeconds: readonly number[];
  readonly cpuSecondsByStage: Readonly<Record<string, number>>;
  readonly coordinatorCpuSeconds: number;
  /** Of this process, which is the bucket's server and little else. */
  readonly storeCpuSeconds: number;
  /** Before the run, and at most. */
  readonly workerIdleMb: number;
  readonly workerPeakMb: number;
  readonly coordinatorPeakMb: number;
  readonly redisPeakMb: number;
  readonly storePeakMb: number;
  readonly longestTurns: readonly TurnReport[];
  readonly storedBytes: number;
  /** In the bucket at most, beyond what stays. */
  readonly temporaryStoredBytes: number;
  /** On the workers' disks at most, and at the end. */
  readonly temporaryBytes: number;
  readonly leftBytes: number;
  readonly largestShardBytes: number;
  readonly numShards: number;
  readonly datasetId: string;
}

const lookEveryMs = 200;
const weighEveryMs = 2_000;
/** What a cluster keeps in its folder for good. */
const keptEntries = ['s3', 'redis', 'logs', 'cluster.json', 'secret', 'turns'];

/** Starts a cluster in a folder of its own, has a run's data prepared, and ends it. @throws Error with which the run failed */
export async function measureCluster(
  config: RunConfig,
  {
    folder,
    numWorkers,
    role,
    say,
  }: {
    folder: string;
    numWorkers: number;
    role: 'train' | 'data';
    say: (text: string) => void;
  },
): Promise<Preparation> {
  const temporary = join(folder, 'workers-tmp');
  const turns = join(folder, 'turns');
  mkdirSync(temporary, { recursive: true });
  const watch = new URL('./turn-watch.js', import.meta.url).href;
  const cluster = await startCluster({
    folder,
    numWorkers,
    numThreads: 1,
    workerEnvironment: () => ({
      NODE_OPTIONS: `--import ${watch}`,
      BENCH_TURNS: turns,
      BERTH_WORKER_ROLE: role,
      TMPDIR: temporary,
    }),
    env: process.env,
    logger: silentLogger,
    say: () => undefined,
  });
  try {
    return await watchRun(cluster, config, { folder, turns, say });
  } finally {
    await cluster.close();
  }
}

async function watchRun(
  cluster: Cluster,
  config: RunConfig,
  { folder, turns, say }: { folder: string; turns: string; say: (text: string) => void },
): Promise<Preparation> {
  const workers = cluster.workers().map(({ pid }) => pid);
  const [coordinator = 0] = cluster.coordinators().map(({ pid }) => pid);
  const store = createS3ObjectStore(cluster.services.s3, silentLogger);
  const cpu = (): number[] => workers.map(cpuSecondsOf);
  const first = cpu();
  const coordinatorBefore = cpuSecondsOf(coordinator);
  const ownBefore = process.cpuUsage();
  const workerIdleMb = Math.max(...workers.map((pid) => residentMb({ pid }, 'VmRSS')));
  const kept = folderBytes(folder, keptEntries);
  const byStage: Record<string, number> = {};
  let [last, storePeakMb, mostStored, mostTemporary] = [sum(first), 0, 0, 0];
  let [datasetSeconds, firstExamplesSeconds, weighedMs] = [Number.NaN, Number.NaN, 0];
  const startMs = performance.now();
  const elapsed = (): number => (performance.now() - startMs) / 1e3;
  let report = await cluster.client.submit(config, 'prepared');
  while (!isFinal(report.run.status)) {
    await sleep(lookEveryMs);
    report = await statusOf(cluster, config.name);
    const { manifestKey, reason } = report.run;
    if (manifestKey !== null && Number.isNaN(datasetSeconds)) datasetSeconds = elapsed();
    const stage = manifestKey !== null ? 'examples' : stageOf(reason);
    const now = sum(cpu());
    byStage[stage] = (byStage[stage] ?? 0) + now - last;
    last = now;
    storePeakMb = Math.max(storePeakMb, process.memoryUsage.rss() / 2 ** 20);
    if (Number.isNaN(firstExamplesSeconds) && (await hasExamples(store)))
      firstExamplesSeconds = elapsed();
    if (performance.now() - weighedMs < weighEveryMs) continue;
    mostStored = Math.max(mostStored, folderBytes(join(folder, 's3')));
    mostTemporary = Math.max(mostTemporary, folderBytes(folder, keptEntries) - kept);
    weighedMs = performance.now();
    say(`${elapsed().toFixed(0)} s: ${reason}`);
  }
  const seconds = elapsed();
  const { run } = report;
  if (run.status !== 'completed' || run.manifestKey === null)
    throw new Error(`the preparation ended as ${run.status}: ${run.reason}`);
  const manifest = await readDatasetManifest(store, run.manifestKey);
  const sizes = [...manifest.train, ...heldOutShardsOf(manifest)].map(({ sizeBytes }) => sizeBytes);
  const { user, system } = process.cpuUsage(ownBefore);
  const storedBytes = folderBytes(join(folder, 's3'));
  const result: Preparation = {
    numWorkers: workers.length,
    datasetSeconds,
    firstExamplesSeconds,
    seconds,
    workerCpuSeconds: cpu().map((value, index) => value - (first[index] ?? 0)),
    cpuSecondsByStage: byStage,
    coordinatorCpuSeconds: cpuSecondsOf(coordinator) - coordinatorBefore,
    storeCpuSeconds: (user + system) / 1e6,
    workerIdleMb,
    workerPeakMb: Math.max(...workers.map((pid) => residentMb({ pid }, 'VmHWM'))),
    coordinatorPeakMb: residentMb({ pid: coordinator }, 'VmHWM'),
    redisPeakMb: residentMb({ pid: await redisPid(cluster.services.redisUrl) }, 'VmHWM'),
    storePeakMb,
    longestTurns: readTurns(turns),
    storedBytes,
    temporaryStoredBytes: Math.max(0, mostStored - storedBytes),
    temporaryBytes: mostTemporary,
    leftBytes: folderBytes(folder, keptEntries) - kept,
    largestShardBytes: sizes.reduce((most, size) => Math.max(most, size), 0),
    numShards: manifest.train.length,
    datasetId: manifest.datasetId,
  };
  store.close();
  return result;
}

const answerTimeoutMs = 120_000;

/** What a coordinator that is busy, or away for a moment, says a little later. */
async function statusOf({ client }: Cluster, runId: string): Promise<RunStatusReport> {
  for (const deadlineMs = performance.now() + answerTimeoutMs; ;)
    try {
      return await client.status(runId);
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(lookEveryMs);
    }
}

/** What a run says that it is doing, without how far it is. */
function stageOf(reason: string): string {
  return /^[^:,]+/.exec(reason)?.[0] ?? reason;
}

async function hasExamples(store: ObjectStore): Promise<boolean> {
  return (await store.list('examples/')).length > 0;
}

async function redisPid(url: string): Promise<number> {
  const connection = await connectRedis(url, { role: 'producer' });
  const info = await connection.client.info('server');
  connection.close();
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}

/** Of each kind of thread of the workers, the longest. */
function readTurns(folder: string): TurnReport[] {
  const longest = new Map<string, TurnReport>();
  for (const name of readdirSync(folder)) {
    const report = JSON.parse(readFileSync(join(folder, name), 'utf8')) as TurnReport;
    const known = longest.get(report.thread);
    if (known === undefined || known.longestCpuMs < report.longestCpuMs)
      longest.set(report.thread, report);
  }
  return [...longest.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
