import { BerthError, type Job } from '@berth/contracts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { createJobBoard } from './job-board.ts';
import { createJobConsumer } from './job-consumer.ts';
import { createJobProducer } from './job-producer.ts';

const redis = useRedis();

const job: Job = { kind: 'inventory', runId: 'r', requestId: 'a'.repeat(64), askedAtMs: 1 };

describe('the job board', () => {
  it('counts what waits and says for how long', async () => {
    const board = createJobBoard(redis.connection);
    const jobs = await createJobProducer(redis.server.url);
    onTestFinished(() => jobs.close());
    expect(await board.report()).toMatchObject([{ oldestWaitMs: null, numWorkers: 0 }]);
    await jobs.enqueue(job, { priority: 3 });
    const [queue] = await board.report();
    expect(queue).toMatchObject({ name: 'berth-jobs', counts: { waiting: 1, failed: 0 } });
    expect(queue?.oldestWaitMs).toBeGreaterThanOrEqual(0);
  });

  it('shows a failed job and runs it again, once however often it is asked', async () => {
    const board = createJobBoard(redis.connection);
    const jobs = await createJobProducer(redis.server.url);
    let works = false;
    const consumer = await createJobConsumer(redis.server.url, {
      process: async () => {
        if (!works) throw new BerthError('DATA_CORPUS_NOT_FOUND', 'no such corpus');
        return Promise.resolve({});
      },
    });
    onTestFinished(async () => {
      await consumer.close();
      await jobs.close();
    });
    const id = await jobs.enqueue(job);
    await expect(jobs.waitForJob(id, { timeoutMs: 300_000 })).rejects.toThrow('no such corpus');
    const [failed] = await board.failed('berth-jobs', 10);
    expect(failed).toMatchObject({ id, state: 'failed', data: { kind: 'inventory' } });
    expect(failed?.stack.join('\n')).toContain('DATA_CORPUS_NOT_FOUND');
    expect((await board.report())[0]).toMatchObject({ numWorkers: 1, counts: { failed: 1 } });

    works = true;
    const answers = await Promise.all([1, 2, 3].map(() => board.retry('berth-jobs', id)));
    expect(answers.every(({ state }) => state !== 'failed')).toBe(true);
    await jobs.waitForJob(id, { timeoutMs: 300_000 });
    expect((await board.report())[0]).toMatchObject({ numPerMinute: 1, counts: { failed: 0 } });
    expect(await board.retry('berth-jobs', id)).toMatchObject({ state: 'completed' });
  });

  it('names what is not there', async () => {
    const board = createJobBoard(redis.connection);
    const code = 'QUEUE_JOB_NOT_FOUND';
    await expect(board.failed('other', 1)).rejects.toMatchObject({ code });
    await expect(board.retry('berth-jobs', 'none')).rejects.toMatchObject({ code });
  });
});
