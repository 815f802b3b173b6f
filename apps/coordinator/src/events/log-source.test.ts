import { logQuerySchema, type LogLine } from '@berth/contracts';
import { connectRedis, createLogStream } from '@berth/queue';
import { startTestRedis } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createLogSource } from './log-source.ts';

const lineOf = (message: string, runId: string | null): LogLine => ({
  timeMs: 0,
  level: 'warn',
  message,
  app: 'worker',
  source: 'w',
  runId,
  attempt: 1,
  step: 1,
  fields: {},
});

it('answers for one run or for all, and with the last lines of a process', async () => {
  const redis = await startTestRedis();
  const connection = await connectRedis(redis.url, { role: 'producer' });
  onTestFinished(async () => {
    connection.close();
    await redis.stop();
  });
  await createLogStream(connection).append([lineOf('one', 'a'), lineOf('two', 'b')]);
  const source = createLogSource(connection);
  const messages = async (runId?: string): Promise<string[]> =>
    (await source.page(logQuerySchema.parse({}), runId)).lines.map(({ message }) => message);
  expect(await messages('a')).toEqual(['one']);
  expect(await messages()).toEqual(['one', 'two']);
  expect(await source.lastLines('w')).toEqual(['00:00:00.000 warn one', '00:00:00.000 warn two']);
});
