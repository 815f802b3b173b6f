import { parseRunConfig, silentLogger } from '@berth/contracts';
import { createS3ObjectStore } from '@berth/checkpoint';
import { liveMember } from '@berth/protocol/testing';
import { createJobConsumer, createJobProducer } from '@berth/queue/jobs';
import { connectRedis, createMembers } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { runController } from './controller.ts';
import { createRunService } from '../runs/run-service.ts';
import { startServices } from '../testing/services.ts';

it('a run says who or what its dataset waits for', async () => {
  const { redisUrl, s3 } = await startServices();
  const connection = await connectRedis(redisUrl, { role: 'producer' });
  const store = createS3ObjectStore(s3, silentLogger);
  const jobs = await createJobProducer(redisUrl);
  const ending = new AbortController();
  const controlling = runController(
    { coordinatorId: 'c', connection, store, s3, jobs, logger: silentLogger },
    ending.signal,
  );
  onTestFinished(async () => {
    ending.abort();
    await controlling;
    await jobs.close();
    connection.close();
    store.close();
  });
  const runs = createRunService(connection, store);
  const says = (text: string | RegExp): Promise<unknown> =>
    waitFor(
      async () => expect.stringMatching(text).asymmetricMatch((await runs.report('r')).run.reason),
      {
        what: `${text}`,
      },
    );
  await runs.submit(parseRunConfig({ name: 'r', corpus: { path: '/text' } }, 'test'), 'trained');
  await says(/^waiting for a worker to start: it is to read the data$/);

  const waiting = liveMember('worker-1-aaaaaa', { state: 'idle', runId: null, step: -1 });
  const beating = setInterval(() => {
    void createMembers(connection).heartbeat(waiting);
  }, 50);
  onTestFinished(() => clearInterval(beating));
  await says(/^waiting for the worker to read the data$/);

  const consumer = await createJobConsumer(redisUrl, {
    process: (_job, signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error)),
      ),
  });
  onTestFinished(() => consumer.close({ timeoutMs: 0 }));
  await says(/^listing the files$/);
});
