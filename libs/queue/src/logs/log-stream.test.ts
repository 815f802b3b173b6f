import { setTimeout as sleep } from 'node:timers/promises';
import { logPageSchema, maxLogLineBytes, type LogLine } from '@berth/contracts';
import { startRedisServer, redisServerPrograms } from '../server/redis-server.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { useRedis } from '../testing/redis.ts';
import { openLogSink } from './log-sink.ts';
import { createLogStream, type LogStream } from './log-stream.ts';

const redis = useRedis();

const lineOf = (number: number, change: Partial<LogLine> = {}): LogLine => ({
  timeMs: number,
  level: 'info',
  message: `line ${number}`,
  app: 'worker',
  source: 'a',
  runId: 'run',
  attempt: 1,
  step: number,
  fields: {},
  ...change,
});
const linesOf = (count: number, change: Partial<LogLine> = {}): LogLine[] =>
  Array.from({ length: count }, (_, number) => lineOf(number, change));
const numbersOf = ({ lines }: { readonly lines: readonly LogLine[] }): number[] =>
  lines.map(({ timeMs }) => timeMs);

describe('a page', () => {
  it('leads from the newest lines back to the first and on to those that came since', async () => {
    const logs = createLogStream(redis.connection);
    await logs.append(linesOf(1_205));
    const newest = await logs.page({ limit: 500 });
    expect(logPageSchema.parse(newest)).toEqual(newest);
    expect(numbersOf(newest)).toEqual(Array.from({ length: 500 }, (_, i) => 705 + i));
    const older = await logs.page({ limit: 500, before: newest.before });
    const oldest = await logs.page({ limit: 500, before: older.before });
    expect(numbersOf(older)).toEqual(Array.from({ length: 500 }, (_, i) => 205 + i));
    expect(numbersOf(oldest)).toEqual(Array.from({ length: 205 }, (_, i) => i));
    expect(numbersOf(await logs.page({ limit: 9, before: oldest.before }))).toEqual([]);
    expect(numbersOf(await logs.page({ limit: 1, after: oldest.after }))).toEqual([205]);
    expect(numbersOf(await logs.page({ limit: 1, after: '' }))).toEqual([0]);

    await logs.append([lineOf(2_000)]);
    const next = await logs.page({ limit: 500, after: newest.after });
    expect(numbersOf(next)).toEqual([2_000]);
    expect(numbersOf(await logs.page({ limit: 2, before: next.before }))).toEqual([1_203, 1_204]);
    expect((await logs.page({ limit: 5, after: next.after })).after).toBe(next.after);
  });

  it('leaves out a line that is damaged', async () => {
    const logs = createLogStream(redis.connection);
    await logs.append([lineOf(1)]);
    const fields = ['level', 1, 'source', 'a', 'run', 'run', 'json', '{"timeMs":2,'];
    await redis.connection.client.xadd('berth:logs', '*', ...fields);
    await logs.append([lineOf(3)]);
    expect(numbersOf(await logs.page({ limit: 5 }))).toEqual([1, 3]);
  });

  it('of an empty stream leads to the first line that comes', async () => {
    const logs = createLogStream(redis.connection);
    const { lines, after } = await logs.page({ limit: 5 });
    expect(lines).toEqual([]);
    await logs.append([lineOf(1)]);
    expect(numbersOf(await logs.page({ limit: 5, after }))).toEqual([1]);
  });

  it('holds only what was asked for, however thinly it is spread', async () => {
    const logs = createLogStream(redis.connection);
    await logs.append(linesOf(700));
    await logs.append([
      lineOf(1, { level: 'error', source: 'b', message: 'Out of Memory' }),
      lineOf(2, { level: 'warn', runId: null, fields: { reason: 'memory is short' } }),
    ]);
    await logs.append(linesOf(700, { level: 'debug' }));
    const find = (filter: Parameters<LogStream['page']>[0]): Promise<number[]> =>
      logs.page(filter).then(numbersOf);
    expect(await find({ limit: 9, level: 'warn' })).toEqual([1, 2]);
    expect(await find({ limit: 9, level: 'warn', after: '0-0' })).toEqual([1, 2]);
    expect(await find({ limit: 9, source: 'b' })).toEqual([1]);
    expect(await find({ limit: 9, text: 'MEMORY' })).toEqual([1, 2]);
    expect(await find({ limit: 9, text: 'memory', runId: 'run' })).toEqual([1]);
  });
});

describe('a log stream', () => {
  it('stays small, whatever is poured into it', async () => {
    const logs = createLogStream(redis.connection, { capacity: 1_000 });
    const fields = { stack: 'x'.repeat(20_000) };
    for (let i = 0; i < 50; i++) await logs.append(linesOf(100, { fields }));
    const { client } = redis.connection;
    expect(await client.xlen('berth:logs')).toBeLessThan(1_200);
    const [line] = (await logs.page({ limit: 1 })).lines;
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(maxLogLineBytes);
    expect(line?.fields['stack']).toMatch(/^x+\.\.\. \(19500 more characters\)$/);
    expect(Number(await client.memory('USAGE', 'berth:logs'))).toBeLessThan(2_000_000);
  });

  it('cuts a line whatever makes it long', async () => {
    const logs = createLogStream(redis.connection);
    const nested = { deep: { deeper: Array.from({ length: 2_000 }, () => '"\u0001"') } };
    await logs.append([lineOf(1, { message: '\u0001'.repeat(90_000), fields: nested })]);
    const [line] = (await logs.page({ limit: 1 })).lines;
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(maxLogLineBytes);
    expect(Object.keys(line?.fields ?? {})).toEqual(['cut']);
  });

  it("keeps a process's last lines when a flood of others washes them away", async () => {
    const logs = createLogStream(redis.connection, { capacity: 200 });
    await logs.append(linesOf(30, { source: 'dead' }));
    await logs.append(linesOf(1_000, { source: 'loud' }));
    expect(numbersOf(await logs.page({ limit: 9, source: 'dead' }))).toEqual([]);
    const last = await logs.lastLinesOf('dead', 3);
    expect(last.map(({ step }) => step)).toEqual([27, 28, 29]);
    expect(await logs.lastLinesOf('dead', 99)).toHaveLength(20);
    expect(await logs.lastLinesOf('never seen', 3)).toEqual([]);
  });

  it('tells subscribers of the lines they want, each once', async () => {
    const logs = createLogStream(redis.connection);
    await logs.append(linesOf(3));
    const stopping = new AbortController();
    const heard: number[] = [];
    let numCalls = 0;
    const subscribed = logs.subscribe(
      (lines) => {
        numCalls++;
        heard.push(...lines.map(({ timeMs }) => timeMs));
      },
      { signal: stopping.signal, runId: 'run' },
    );
    await sleep(100);
    for (let number = 10; number < 40; number++)
      await logs.append([lineOf(number), lineOf(number, { runId: 'other' })]);
    while (heard.length < 30) await sleep(10);
    stopping.abort();
    await subscribed;
    expect(heard).toEqual(Array.from({ length: 30 }, (_, i) => 10 + i));
    expect(numCalls).toBeLessThan(10);
  });
});

describe('a log sink', () => {
  it('fails while Redis is away and goes on when it is there', async () => {
    const server = await startRedisServer({ programs: redisServerPrograms(process.env) });
    const { folder } = server;
    await server.kill('SIGTERM');
    const sink = openLogSink(server.url);
    onTestFinished(() => sink.close());
    await expect(sink.append([lineOf(1)])).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    const again = await startRedisServer({
      programs: redisServerPrograms(process.env),
      folder,
    });
    onTestFinished(async () => {
      await again.stop();
      await server.stop();
    });
    await sink.append([lineOf(2)]);
  });
});
