import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  datasetJobSchema,
  parseRunConfig,
  silentLogger,
  toBerthError,
  type ObjectStore,
  type RunConfig,
} from '@berth/contracts';
import { createS3ObjectStore } from '@berth/checkpoint';
import { datasetPrefixOf, prepareDataset, readAnyDataset } from '@berth/data';
import { connectRedis } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { startDataCluster, type DataCluster } from './data-cluster.ts';

/** Ways to disturb workers that make data, and who leads them. */
const faults = ['worker', 'coordinator', 'redis', 'emptied redis'] as const;
type Fault = (typeof faults)[number];

export interface DisturbedOptions {
  readonly seed: number;
  readonly numWorkers: number;
  /** Which of the faults come; in which order, and when, the seed decides. */
  readonly faults: readonly Fault[];
  readonly partBytes: number;
}

export interface DisturbedOutcome {
  readonly datasetId: string;
  /** Name and SHA-256 of every object of the dataset. */
  readonly objects: readonly string[];
  /** The same, made in one process without any disturbance. */
  readonly calm: { readonly datasetId: string; readonly objects: readonly string[] };
  readonly numFaults: number;
  /** Objects of the bucket that are neither the dataset's nor a plan's nor a run's. */
  readonly leftovers: readonly string[];
}

const numParts = 8;
const pollMs = 20;

/** Has data made by processes of their own that are killed on the way, and once more without them. */
export async function prepareDisturbed(options: DisturbedOptions): Promise<DisturbedOutcome> {
  const { seed, numWorkers } = options;
  const { path: folder } = await temporaryFolder();
  const config = parseRunConfig(
    {
      name: 'r',
      corpus: { parts: writeParts(join(folder, 'corpus'), options) },
      vocabulary: { size: 600 },
      examples: { numShards: 3 },
    },
    'test',
  );
  const cluster = await startDataCluster(folder, numWorkers);
  const store = createS3ObjectStore(cluster.services.s3, silentLogger);
  try {
    const disturbing = disturb(cluster, options, seed);
    await waitFor(() => cluster.client.submit(config, 'prepared').catch(unlessItPasses), {
      what: 'an answer',
    });
    const { run } = await waitFor(
      async () => {
        const report = await cluster.client.status('r').catch(unlessItPasses);
        if (report?.run.error != null) throw new Error(report.run.error.message);
        disturbing.look(report?.preparation === undefined ? '' : report.run.reason);
        return report?.run.manifestKey != null && report;
      },
      { intervalMs: pollMs, what: 'the dataset' },
    );
    const numFaults = await disturbing.end();
    const manifestKey = run.manifestKey ?? '';
    const disturbed = await objectsOf(store, manifestKey);
    const keys = (await store.list('')).map(({ key }) => key);
    const calm = await prepareCalmly(config, store);
    return {
      ...disturbed,
      calm,
      numFaults,
      leftovers: keys.filter((key) => /\/runs\/|\/(words|text)-/.test(key)),
    };
  } finally {
    store.close();
    await cluster.close();
  }
}

/** Text of its own in each part, so that each is a chunk. */
export function writeParts(
  folder: string,
  { seed, partBytes }: Pick<DisturbedOptions, 'seed' | 'partBytes'>,
): { name: string; path: string }[] {
  mkdirSync(folder);
  const random = randomOf(seed);
  return Array.from({ length: numParts }, (_, part) => {
    const path = join(folder, `${part}.txt`);
    let text = '';
    while (text.length < partBytes) {
      const words = Array.from(
        { length: 12 },
        () => `w${Math.floor(random() ** 3 * 4_000).toString(36)}`,
      );
      text += `${words.join(' ')}.\n${random() < 0.1 ? '\n' : ''}`;
    }
    writeFileSync(path, text);
    return { name: `part-${part}`, path };
  });
}

/** Who answers may have been killed; a run may be missing until Redis has its record again. */
function unlessItPasses(error: unknown): undefined {
  const { policy, code } = toBerthError(error);
  if (!policy.retry && code !== 'RUN_NOT_FOUND') throw error;
}

interface Disturbing {
  /** Told what people are told; some of its changes bring a fault. */
  readonly look: (reason: string) => void;
  /** Waits until all is as it should be. @returns how many faults there were */
  readonly end: () => Promise<number>;
}

function disturb(
  cluster: DataCluster,
  { faults: chosen }: DisturbedOptions,
  seed: number,
): Disturbing {
  const random = randomOf(seed + 1);
  const left = [...chosen].sort(() => random() - 0.5);
  let [before, numFaults] = ['', 0];
  let acting: Promise<unknown> = Promise.resolve();
  const act = async (fault: Fault): Promise<void> => {
    const processes = fault === 'worker' ? cluster.workers : cluster.coordinators;
    const victim = processes[Math.floor(random() * processes.length)]?.pid;
    if (fault === 'redis') await cluster.redis?.kill();
    else if (fault === 'emptied redis') await emptyRedis(cluster.services.redisUrl);
    else if (victim !== undefined) killed(victim);
  };
  return {
    look(reason) {
      if (reason === before || reason === '' || left.length === 0) return;
      before = reason;
      if (random() > 0.4) return;
      numFaults += 1;
      const fault = left.pop()!;
      acting = acting.then(() => act(fault));
    },
    async end() {
      await acting;
      return numFaults;
    },
  };
}

/** Makes the dataset of a run anew, in this process. */
export async function prepareCalmly(
  { corpus, vocabulary, seed, examples: { numShards } }: RunConfig,
  store: ObjectStore,
): Promise<DisturbedOutcome['calm']> {
  const made = (await store.list('')).filter(({ key }) =>
    /^(datasets|plans|vocabularies)\//.test(key),
  );
  await Promise.all(made.map(({ key }) => store.delete(key)));
  const request = { runId: 'calm', corpus, vocabulary, seed, askedAtMs: 0, numShards };
  const job = datasetJobSchema.parse({ kind: 'dataset', ...request });
  return objectsOf(store, await prepareDataset(job, store));
}

/** One that has just died by itself is dead all the same. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    return;
  }
}

async function emptyRedis(url: string): Promise<void> {
  const connection = await connectRedis(url, { role: 'producer' });
  await connection.client.flushall();
  connection.close();
}

/** A dataset's id, and name and SHA-256 of all its objects. */
export async function objectsOf(
  store: ObjectStore,
  manifestKey: string,
): Promise<{ datasetId: string; objects: string[] }> {
  const { datasetId } = await readAnyDataset(store, manifestKey);
  const prefix = datasetPrefixOf(manifestKey) ?? '';
  const objects = await Promise.all(
    (await store.list(prefix)).map(async ({ key, sizeBytes }) => {
      const bytes = await store.get(key, { maxBytes: sizeBytes });
      return `${key.slice(prefix.length)} ${hash('sha256', bytes)}`;
    }),
  );
  return { datasetId, objects };
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
