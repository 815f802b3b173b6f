import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, parseRunConfig, silentLogger, type ExamplesJob } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { consume, createJobConsumer, idleMark } from './job-consumer.ts';
import { jobIdOf } from './job-flow.ts';
import { createJobProducer } from './job-producer.ts';
import { dataJobs, openQueue } from './job-queue.ts';
import { redisServerPrograms, startRedisServer } from '../server/redis-server.ts';

const redis = useRedis();
const { examples } = parseRunConfig({ name: 'tiny', corpus: { path: 'corpus' } }, 'test');

function jobOf(shard: number): ExamplesJob {
  return {
    kind: 'examples',
    exampleSetId: 'set',
    manifestKey: 'manifest',
    split: 'train',
    epoch: 0,
    shard,
    seed: 1,
    examples,
  };
}

describe('job ids', () => {
  it('depend on content alone and are ids that BullMQ accepts', () => {
    const { seed, ...rest } = jobOf(1);
    expect(jobIdOf({ seed, ...rest })).toBe(jobIdOf(jobOf(1)));
    expect(jobIdOf(jobOf(2))).not.toBe(jobIdOf(jobOf(1)));
    expect(jobIdOf(jobOf(1))).toMatch(/^examples-[0-9a-f]{32}$/);
  });
});

describe('jobs', () => {
  it('say how far they are while they run', async () => {
    const producer = await createJobProducer(redis.server.url);
    const jobId = await producer.enqueue(jobOf(70));
    expect(await producer.progressOf(jobId)).toBeUndefined();
    let [speak, finish] = [(): void => undefined, (): void => undefined];
    const isTaken = new Promise<void>((resolve) => (speak = resolve));
    const isSeen = new Promise<void>((resolve) => (finish = resolve));
    const consumer = await createJobConsumer(redis.server.url, {
      process: async (_job, _signal, tell) => {
        await isTaken;
        tell('half of it');
        await isSeen;
      },
    });
    while ((await producer.progressOf(jobId)) !== '') await sleep(10);
    speak();
    while ((await producer.progressOf(jobId)) !== 'half of it') await sleep(10);
    finish();
    await producer.waitForJob(jobId, { timeoutMs: 300_000 });
    expect(await producer.progressOf(jobId)).toBeUndefined();
    await consumer.close();
    await producer.close();
  });

  it('run once each, however often they are enqueued, and give back their result', async () => {
    const producer = await createJobProducer(redis.server.url);
    const ids = await Promise.all(
      [0, 1, 2, 0, 1, 2].map((shard) => producer.enqueue(jobOf(shard))),
    );
    expect(new Set(ids).size).toBe(3);
    const runs: number[] = [];
    const consumer = await createJobConsumer(redis.server.url, {
      concurrency: 2,
      process: async (job) => {
        if (job.kind === 'examples') runs.push(job.shard);
        return { kind: job.kind };
      },
    });
    for (const id of ids)
      expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toEqual({ kind: 'examples' });
    await producer.enqueue(jobOf(0));
    expect(await producer.counts()).toEqual({
      waiting: 0,
      active: 0,
      delayed: 0,
      completed: 3,
      failed: 0,
    });
    expect(runs.sort((a, b) => a - b)).toEqual([0, 1, 2]);

    await producer.waitForJob(await producer.enqueue(jobOf(1), { again: true }), {
      timeoutMs: 300_000,
    });
    expect(runs).toEqual([0, 1, 2, 1]);
    await consumer.close();
    await producer.close();
  });

  it('fail at once on an error that no retry heals, with its code, and can be enqueued again', async () => {
    const producer = await createJobProducer(redis.server.url);
    let isFixed = false;
    let numRuns = 0;
    const consumer = await createJobConsumer(redis.server.url, {
      process: async () => {
        numRuns++;
        if (isFixed) return 'done';
        throw new BerthError('DATA_CORPUS_NOT_FOUND', 'no corpus', { details: { path: 'x' } });
      },
    });
    const id = await producer.enqueue(jobOf(0));
    await expect(producer.waitForJob(id, { timeoutMs: 300_000 })).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
      message: 'no corpus',
      details: { path: 'x' },
    });
    expect(numRuns).toBe(1);
    isFixed = true;
    await producer.enqueue(jobOf(0));
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('done');
    await consumer.close();
    await producer.close();
  });

  it('are tried again after an error that passes', async () => {
    const producer = await createJobProducer(redis.server.url);
    let numRuns = 0;
    const consumer = await createJobConsumer(redis.server.url, {
      process: async () => {
        if (++numRuns < 3) throw new BerthError('STORE_UNREACHABLE', 'outage');
        return numRuns;
      },
    });
    const id = await producer.enqueue(jobOf(0));
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe(3);
    await consumer.close();
    await producer.close();
  });

  it('say that no worker takes them when time is up', async () => {
    const producer = await createJobProducer(redis.server.url);
    const id = await producer.enqueue(jobOf(0));
    await expect(producer.waitForJob(id, { timeoutMs: 60 })).rejects.toMatchObject({
      code: 'WORKER_TIMEOUT',
      message: expect.stringMatching(/still waiting after 60 ms: no worker takes it/) as string,
    });
    await expect(producer.waitForJob('lost', { timeoutMs: 60 })).rejects.toThrow(
      /enqueue it again/,
    );
    await producer.close();
  });

  it('of another release go back to the queue until a worker of that release takes them', async () => {
    const queue = openQueue(redis.connection.client, dataJobs);
    const producer = await createJobProducer(redis.server.url);
    const consumer = await createJobConsumer(redis.server.url, { process: async () => 'wrong' });
    const id = jobIdOf(jobOf(0));
    await queue.add('examples', { ...jobOf(0), later: true } as ExamplesJob, { jobId: id });
    await expect.poll(async () => (await queue.getJob(id))?.attemptsMade).toBeGreaterThan(1);
    const schema = { safeParse: (data: unknown) => ({ success: true as const, data }) };
    const later = { ...dataJobs, schema };
    const laterConsumer = await consume(later, redis.server.url, { process: async () => 'done' });
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('done');
    await consumer.close();
    await laterConsumer.close();
    await producer.close();
    await queue.close();
  });

  it('move to another consumer when theirs is killed, however long their lock', async () => {
    const producer = await createJobProducer(redis.server.url);
    const id = await producer.enqueue(jobOf(0));
    const child = await startHangingConsumer(redis.server.url, 3_600_000);
    const consumer = await createJobConsumer(redis.server.url, { process: async () => 'rescued' });
    child.kill('SIGKILL');
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('rescued');
    await consumer.close();
    await producer.close();
  });

  it('are aborted in a consumer that was paused until another took them', async () => {
    const producer = await createJobProducer(redis.server.url);
    const id = await producer.enqueue(jobOf(0));
    const child = await startHangingConsumer(redis.server.url);
    const aborted = said(child, 'aborted');
    child.kill('SIGSTOP');
    const consumer = await createJobConsumer(redis.server.url, { process: async () => 'rescued' });
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('rescued');
    child.kill('SIGCONT');
    await aborted;
    child.kill('SIGKILL');
    await consumer.close();
    await producer.close();
  });

  it('survive a kill of Redis, and idle consumers find them afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-jobs-'));
    const options = { programs: redisServerPrograms(process.env), folder, appendOnly: true };
    const first = await startRedisServer(options);
    const producer = await createJobProducer(first.url);
    const consumer = await createJobConsumer(first.url, { process: async () => 'done' });
    await producer.waitForJob(await producer.enqueue(jobOf(0)), { timeoutMs: 300_000 });
    await first.kill('SIGKILL');
    await expect(producer.enqueue(jobOf(1))).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    const second = await startRedisServer(options);
    let id: string | undefined;
    while (id === undefined)
      id = await producer.enqueue(jobOf(1)).catch(() => sleep(20, undefined));
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('done');
    await consumer.close();
    await producer.close();
    await second.stop();
    await rm(folder, { recursive: true });
  });

  it('end with the consumer when they outlast its patience', async () => {
    const producer = await createJobProducer(redis.server.url);
    await producer.enqueue(jobOf(0));
    let started = (): void => undefined;
    const running = new Promise<void>((resolve) => (started = resolve));
    let reason: unknown;
    const consumer = await createJobConsumer(redis.server.url, {
      process: (_job, signal) =>
        new Promise((_resolve, reject) => {
          started();
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            reject(new Error('aborted'));
          });
        }),
    });
    await running;
    await consumer.close({ timeoutMs: 50 });
    expect(reason).toBe('the consumer closes');
    await producer.close();
  });
});

describe('the watchdog', () => {
  it('suspects only a consumer that started nothing while jobs waited', () => {
    expect(idleMark({ numStarted: 3, numRunning: 0 }, 2)).toBe(3);
    expect(idleMark({ numStarted: 3, numRunning: 1 }, 2)).toBeUndefined();
    expect(idleMark({ numStarted: 3, numRunning: 0 }, 0)).toBeUndefined();
  });

  it('replaces an idle worker by one that works', async () => {
    const queue = openQueue(redis.connection.client, dataJobs);
    const producer = await createJobProducer(redis.server.url);
    await queue.pause();
    const id = await producer.enqueue(jobOf(0));
    let restarted = (): void => undefined;
    const restart = new Promise<void>((resolve) => (restarted = resolve));
    const consumer = await createJobConsumer(redis.server.url, {
      process: async () => 'done',
      watchdogMs: 30,
      logger: { ...silentLogger, warn: (message) => message.includes('anew') && restarted() },
    });
    await restart;
    await queue.resume();
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('done');
    await consumer.close();
    await producer.close();
    await queue.close();
  });

  it('goes on after an error of Redis', async () => {
    const { client } = redis.connection;
    const queue = openQueue(client, dataJobs);
    const producer = await createJobProducer(redis.server.url);
    const told: string[] = [];
    const isTold = (words: string): Promise<void> =>
      expect.poll(() => told.some((message) => message.includes(words))).toBe(true);
    // Not the list that it ought to be.
    await client.set(queue.toKey('wait'), 'damaged');
    const consumer = await createJobConsumer(redis.server.url, {
      process: async () => 'done',
      watchdogMs: 30,
      logger: { ...silentLogger, warn: (message) => void told.push(message) },
    });
    await isTold('cannot be seen');
    await client.del(queue.toKey('wait'));
    await queue.pause();
    const id = await producer.enqueue(jobOf(0));
    await isTold('anew');
    await queue.resume();
    expect(await producer.waitForJob(id, { timeoutMs: 300_000 })).toBe('done');
    await consumer.close();
    await producer.close();
    await queue.close();
  });
});

/** A process of its own that has taken a job and never finishes it. */
async function startHangingConsumer(url: string, lockDurationMs = 2_000): Promise<ChildProcess> {
  const program = `
    import { createJobConsumer } from '@berth/queue/jobs';
    await createJobConsumer(${JSON.stringify(url)}, {
      lockDurationMs: ${lockDurationMs},
      process: (job, signal) => new Promise(() => {
        signal.addEventListener('abort', () => console.log('aborted'));
        console.log('started');
      }),
    });`;
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=@berth/source', '--input-type=module', '-e', program],
    { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await said(child, 'started');
  return child;
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(word)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the consumer ended with ${code}`)));
  });
}
