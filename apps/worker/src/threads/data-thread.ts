import { parentPort, workerData } from 'node:worker_threads';
import { createS3ObjectStore, createS3Source } from '@berth/checkpoint';
import { BerthError, errorToWire, silentLogger, type Job } from '@berth/contracts';
import {
  createDatasetCache,
  createScratch,
  makeExampleShard,
  prepareDataset,
  prepareLabelledDataset,
} from '@berth/data';
import { connectRedis, createExampleIndex } from '@berth/queue';
import type { DataThreadData } from './data.ts';
import { forwardingLogger } from './forwarded-log.ts';
import { serveCalls, type ThreadEvent } from './thread-rpc.ts';

const port = parentPort;
if (port === null) throw new BerthError('INTERNAL', 'The data thread must be started as a thread');
const { services, corpus, scratchFolder } = workerData as DataThreadData;
const connection = await connectRedis(services.redisUrl, { role: 'producer' });
const log = forwardingLogger((...record) =>
  port.postMessage({ event: 'log', args: record } satisfies ThreadEvent),
);
/** A shard is read again for each other of its window, in every epoch. */
const dataset = createDatasetCache(
  128 * 2 ** 20,
  createScratch({
    folder: scratchFolder,
    thresholdBytes: 4 * 2 ** 20,
    onTrouble: (error) =>
      log.warn('Documents stay in memory that should be in a file', { error: errorToWire(error) }),
  }),
);
const store = createS3ObjectStore(services.s3, silentLogger);
const sources = { ...corpus, s3: createS3Source(corpus.s3, silentLogger) };

const tell = (progress: string): void =>
  port.postMessage({ event: 'progress', args: [progress] } satisfies ThreadEvent);

async function work(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'dataset':
      return {
        manifestKey: await prepareDataset(job, store, {
          ...sources,
          onJob: ({ kind }) => tell(`${kind} of the corpus`),
        }),
      };
    case 'labelledDataset':
      return {
        manifestKey: await prepareLabelledDataset(job, store, { tell, roots: corpus.roots }),
      };
    case 'inventory':
    case 'survey':
    case 'mergeCounts':
    case 'compare':
    case 'vocabulary':
    case 'tokenise':
    case 'split':
    case 'assemble':
    case 'seal':
      throw new BerthError('INTERNAL', `A ${job.kind} job is not done yet`);
    case 'examples': {
      const shard = await makeExampleShard(store, job, dataset);
      await createExampleIndex(connection, job.exampleSetId).put(shard);
      return shard;
    }
  }
}

serveCalls(port, { process: work, ping: () => true });
