import { parentPort, workerData } from 'node:worker_threads';
import { createS3ObjectStore, createS3Source } from '@berth/checkpoint';
import {
  BerthError,
  errorToWire,
  silentLogger,
  type Job,
  type JobProgress,
} from '@berth/contracts';
import {
  createDatasetCache,
  createScratch,
  doDatasetJob,
  makeExampleShard,
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

/** Documents come by the thousand a second. */
const tellMs = 200;
const tell = (progress: JobProgress | string): void =>
  port.postMessage({ event: 'progress', args: [progress] } satisfies ThreadEvent);

async function work(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'labelledDataset':
      return {
        manifestKey: await prepareLabelledDataset(job, store, { tell, roots: corpus.roots }),
      };
    case 'examples': {
      const shard = await makeExampleShard(store, job, dataset);
      await createExampleIndex(connection, job.exampleSetId).put(shard);
      return shard;
    }
    default: {
      let [last, toldMs]: [JobProgress | undefined, number] = [undefined, -Infinity];
      const onProgress = (progress: JobProgress): void => {
        last = progress;
        if (performance.now() - toldMs < tellMs) return;
        toldMs = performance.now();
        tell(progress);
      };
      const answer = await doDatasetJob(job, store, { ...sources, onProgress });
      if (last !== undefined) tell(last);
      return answer;
    }
  }
}

serveCalls(port, { process: work, ping: () => true });
