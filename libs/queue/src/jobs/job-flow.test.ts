import { BerthError, type Job, type JobFlow } from '@berth/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { createJobConsumer, type JobConsumerOptions } from './job-consumer.ts';
import { createJobProducer, type JobProducer } from './job-producer.ts';

const redis = useRedis();
const planId = 'a'.repeat(64);
const patience = { timeoutMs: 300_000 };

const surveyOf = (chunk: number): Job => ({ kind: 'survey', runId: 'r', planId, chunk });
const mergeOf = (index: number): Job => ({
  kind: 'mergeCounts',
  runId: 'r',
  planId,
  words: 'cased',
  level: 1,
  index,
});
const last: Job = { kind: 'vocabulary', runId: 'r', planId, requestId: planId };

/** Three sums of four chunks each, and what is made of them. */
const tree: JobFlow = {
  job: last,
  after: [0, 1, 2].map((index) => ({
    job: mergeOf(index),
    after: [0, 1, 2, 3].map((chunk) => ({ job: surveyOf(4 * index + chunk) })),
  })),
};

async function openProducer(): Promise<JobProducer> {
  const producer = await createJobProducer(redis.server.url);
  onTestFinished(() => producer.close());
  return producer;
}

async function consume(process: JobConsumerOptions<Job>['process']): Promise<void> {
  const consumer = await createJobConsumer(redis.server.url, { process });
  onTestFinished(() => consumer.close());
}

describe('a flow', () => {
  it('does each job once, after those before it, however often it is asked for', async () => {
    const producers = [await openProducer(), await openProducer()];
    const done: string[] = [];
    const process = async (job: Job): Promise<number> => {
      await Promise.all(producers.map((producer) => producer.enqueueFlow(tree)));
      return done.push(nameOf(job));
    };
    const ids = await Promise.all(producers.map((producer) => producer.enqueueFlow(tree)));
    await Promise.all([consume(process), consume(process)]);
    expect(new Set(ids).size).toBe(1);
    expect(await producers[0]!.waitForJob(ids[0]!, patience)).toBe(16);
    expect(new Set(done).size).toBe(done.length);
    for (const index of [0, 1, 2]) {
      const own = [0, 1, 2, 3].map((chunk) => done.indexOf(`survey ${4 * index + chunk}`));
      expect(Math.max(...own)).toBeLessThan(done.indexOf(`mergeCounts ${index}`));
    }
    expect(done.at(-1)).toBe('vocabulary ');
  });

  it('fails with the error of the job that failed, and begins anew when asked again', async () => {
    const producer = await openProducer();
    let isMended = false;
    const done: string[] = [];
    await consume(async (job) => {
      if (nameOf(job) === 'survey 5' && !isMended)
        throw new BerthError('DATA_CORPUS_INVALID', 'a.jsonl line 7 is no JSON');
      done.push(nameOf(job));
      return Promise.resolve('done');
    });
    const id = await producer.enqueueFlow(tree);
    await expect(producer.waitForJob(id, patience)).rejects.toMatchObject({
      code: 'DATA_CORPUS_INVALID',
      message: 'a.jsonl line 7 is no JSON',
    });
    await producer.dropFlow(id);
    expect(done).not.toContain('vocabulary ');
    isMended = true;
    expect(await producer.enqueueFlow(tree)).toBe(id);
    expect(await producer.waitForJob(id, patience)).toBe('done');
    expect(done).toEqual(expect.arrayContaining(['survey 5', 'mergeCounts 1', 'vocabulary ']));
  });

  it('is asked for again where Redis has lost everything', async () => {
    const producer = await openProducer();
    const id = await producer.enqueueFlow(tree);
    await redis.connection.call((client) => client.flushall());
    await expect(producer.waitForJob(id, { timeoutMs: 0 })).rejects.toMatchObject({
      code: 'QUEUE_UNREACHABLE',
    });
    await consume(async () => Promise.resolve('done'));
    await producer.enqueueFlow(tree);
    expect(await producer.waitForJob(id, patience)).toBe('done');
  });

  it('is done again where its result is lost, and only then', async () => {
    const producer = await openProducer();
    let numDone = 0;
    await consume(async () => Promise.resolve(++numDone));
    const id = await producer.enqueueFlow(tree);
    await producer.waitForJob(id, patience);
    await producer.enqueueFlow(tree);
    expect(await producer.waitForJob(id, patience)).toBe(16);
    await producer.enqueueFlow(tree, { again: true });
    expect(await producer.waitForJob(id, patience)).toBe(32);
  });

  it('takes back what nobody has begun', async () => {
    const producer = await openProducer();
    const id = await producer.enqueueFlow(tree);
    expect(await producer.counts()).toMatchObject({ waiting: 12 });
    await producer.dropFlow(id);
    expect(await producer.counts()).toMatchObject({ waiting: 0 });
  });

  it('takes up a job that still runs for one that was taken back', async () => {
    const producer = await openProducer();
    let letGo = (): void => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const done: string[] = [];
    await consume(async (job) => {
      begin();
      await held;
      return done.push(nameOf(job));
    });
    await producer.dropFlow(await producer.enqueueFlow(tree));
    const id = await producer.enqueueFlow(tree);
    await begun;
    await producer.dropFlow(id);
    await producer.enqueueFlow(tree);
    letGo();
    expect(await producer.waitForJob(id, patience)).toBe(16);
    expect(new Set(done).size).toBe(16);
  });
});

function nameOf(job: Job): string {
  const index = 'chunk' in job ? job.chunk : 'index' in job ? job.index : '';
  return `${job.kind} ${index}`;
}
