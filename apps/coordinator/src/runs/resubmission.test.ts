import { appendFile, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseRunConfig, silentLogger, type RunRecord, type RunStatus } from '@berth/contracts';
import { doDatasetJob, makeExampleShard, readDatasetManifest } from '@berth/data';
import { createJobConsumer, createJobProducer } from '@berth/queue/jobs';
import { createExampleIndex, createRuns } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runController } from '../leading/controller.ts';
import { createRunService } from './run-service.ts';
import { openBackends, type Backends } from '../testing/services.ts';

let backends: Backends;
let folder: string;
let corpus: string;
let end: () => Promise<void>;

beforeAll(async () => {
  backends = await openBackends();
  folder = (await temporaryFolder()).path;
  corpus = join(folder, 'corpus.txt');
  const { connection, store, services } = backends;
  const jobs = await createJobProducer(services.redisUrl);
  const consumer = await createJobConsumer(services.redisUrl, {
    process: async (job) => {
      if (job.kind === 'labelledDataset') throw new TypeError(`no test has a job ${job.kind}`);
      if (job.kind !== 'examples') return doDatasetJob(job, store);
      const shard = await makeExampleShard(store, job);
      await createExampleIndex(connection, job.exampleSetId).put(shard);
      return shard;
    },
  });
  const ending = new AbortController();
  const options = {
    coordinatorId: 'c',
    connection,
    store,
    s3: backends.services.s3,
    jobs,
    logger: silentLogger,
  };
  const controlling = runController(options, ending.signal);
  end = async () => {
    ending.abort();
    await controlling;
    await consumer.close();
    await jobs.close();
    await backends.close();
  };
});
afterAll(() => end());

async function writeCorpus(): Promise<void> {
  const documents = Array.from(
    { length: 12 },
    (_, n) => `Sphinx ${n} of black quartz, judge my vow.\nPack my box with ${n} liquor jugs.`,
  );
  await writeFile(corpus, documents.join('\n\n'));
}

const configOf = (name: string, { path = corpus, size = 64, ...rest } = {}) =>
  parseRunConfig(
    {
      name,
      corpus: { path },
      vocabulary: { size, minFrequency: 1 },
      model: { size: 'tiny' },
      ...rest,
    },
    'test',
  );

const service = () => createRunService(backends.connection, backends.store);
const runs = () => createRuns(backends.connection);

async function ended(name: string, ...statuses: RunStatus[]): Promise<RunRecord> {
  const found: RunRecord[] = [];
  await waitFor(
    async () => {
      const record = await runs().read(name);
      if (record !== undefined && statuses.includes(record.status)) found.push(record);
      return found.length > 0;
    },
    { what: `${name} to be ${statuses.join(' or ')}` },
  );
  return found[0]!;
}

async function prepared(name: string, change: Parameters<typeof configOf>[1] = {}) {
  await service().submit(configOf(name, change), 'prepared');
  const record = await ended(name, 'completed', 'failed');
  const key = record.manifestKey;
  const manifest = key === null ? undefined : await readDatasetManifest(backends.store, key);
  return { record, numDocuments: manifest?.health?.numDocuments };
}

/** Leaves the run as one that has trained and was stopped. */
async function trained(name: string): Promise<void> {
  await runs().change(name, ({ attempts }) => ({
    status: 'stopped',
    goal: 'trained',
    attempts: attempts.map((attempt) => ({ ...attempt, toStep: 3 })),
  }));
}

describe('a run that was prepared', () => {
  it('is prepared anew when its corpus was edited, and not when it was moved', async () => {
    await writeCorpus();
    const first = await prepared('edited');
    expect(first.numDocuments).toBe(12);
    await appendFile(corpus, '\n\nOne more box.\nIt slept too.');
    const second = await prepared('edited');
    expect(second.numDocuments).toBe(13);
    const copy = join(folder, 'copy.txt');
    await copyFile(corpus, copy);
    const third = await prepared('edited', { path: copy });
    expect(third.record.manifestKey).toBe(second.record.manifestKey);
    expect(third.record.config.corpus?.path).toBe(copy);
    expect(third.record.attempts).toHaveLength(1);
  });
});

describe('a run whose start failed', () => {
  it('leaves its name to other settings', async () => {
    await writeCorpus();
    const first = await prepared('burnt', { size: 400 });
    expect(first.record).toMatchObject({
      status: 'failed',
      error: { code: 'DATA_VOCABULARY_TOO_LARGE' },
    });
    const second = await prepared('burnt');
    expect(second.record).toMatchObject({
      status: 'completed',
      error: null,
      attempts: [{ attempt: 1 }],
    });
  });
});

describe('a run that has trained', () => {
  it('is refused other data, keeps what it had, and goes on with that', async () => {
    await writeCorpus();
    const { record } = await prepared('kept');
    await trained('kept');
    const other = join(folder, 'other.txt');
    await writeFile(other, 'Nobody here.\nNor there.\n\nSome one.\nSome two.');
    await service().submit(configOf('kept', { path: other }), 'trained');
    const refused = await ended('kept', 'failed');
    expect(refused).toMatchObject({
      error: { code: 'DATA_MISMATCH' },
      reason: expect.stringContaining('other.txt is new, corpus.txt is gone') as string,
      config: { corpus: { path: corpus } },
      manifestKey: record.manifestKey,
      requests: { submission: null },
    });
    await service().control('kept', 'resume');
    expect(await ended('kept', 'starting')).toMatchObject({
      error: null,
      config: { corpus: { path: corpus } },
    });
    await service().control('kept', 'kill');
    await ended('kept', 'stopped');
  });

  it('takes the same data from another place, and settings that decide nothing', async () => {
    await writeCorpus();
    await prepared('taken');
    await trained('taken');
    const copy = join(folder, 'taken.txt');
    await copyFile(corpus, copy);
    const config = configOf('taken', { path: copy, train: { checkpointEverySteps: 7 } } as object);
    await service().submit(config, 'trained');
    expect(await ended('taken', 'starting')).toMatchObject({
      config,
      requests: { submission: null },
    });
    await service().control('taken', 'kill');
    await ended('taken', 'stopped');
  });
});
