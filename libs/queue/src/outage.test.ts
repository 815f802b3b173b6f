import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogFields, Logger } from '@berth/contracts';
import { describe, expect, it } from 'vitest';
import { checkRedis } from './connection/check-redis.ts';
import { connectRedis } from './connection/connection.ts';
import { beginEpoch, useRedis } from './testing/redis.ts';
import { factsOf, sums } from '@berth/protocol/testing';
import { createLedger } from './coordination/ledger.ts';
import { probeWrites } from './connection/probe-writes.ts';
import { redisServerPrograms, startRedisServer } from './server/redis-server.ts';
import { defineScript } from './connection/script.ts';
import { createViews } from './coordination/views.ts';

const redis = useRedis();

describe('connectRedis', () => {
  it('names host and port when nothing listens there, never the password', async () => {
    const failing = connectRedis('redis://user:secret@127.0.0.1:1', {
      role: 'producer',
      timeoutMs: 200,
    });
    await expect(failing).rejects.toMatchObject({
      code: 'QUEUE_UNREACHABLE',
      message: expect.stringMatching(
        /^Redis at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED/,
      ) as string,
    });
    await expect(failing).rejects.not.toThrow(/secret/);
  });

  it('gives up on a server that accepts and says nothing', async () => {
    const mute = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => mute.once('listening', resolve));
    const address = mute.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await expect(
      connectRedis(`redis://127.0.0.1:${port}`, { role: 'worker', timeoutMs: 200 }),
    ).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    mute.close();
  });

  it('tells a rejected command from an outage', async () => {
    await redis.connection.client.set('text', 'x');
    await expect(redis.connection.call((client) => client.llen('text'))).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringMatching(/WRONGTYPE/) as string,
    });
  });

  it('calls a full Redis unreachable: a later attempt may succeed', async () => {
    await redis.connection.client.config('SET', 'maxmemory', '1');
    const full = redis.connection.call((client) => client.set('a', 'b'));
    await expect(full).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    await redis.connection.client.config('SET', 'maxmemory', '0');
  });

  it('says that a full Redis refuses writes though it answers, to whoever probes it', async () => {
    const { client } = redis.connection;
    await probeWrites(redis.connection);
    await client.config('SET', 'maxmemory', '1');
    const script = defineScript(`return redis.call('SET', 'a', 'b')`);
    for (const call of [
      () => probeWrites(redis.connection),
      () => redis.connection.run(script, [], []),
      () => redis.connection.call(() => client.multi().set('a', 'b').exec()),
    ])
      await expect(call()).rejects.toMatchObject({
        code: 'QUEUE_UNREACHABLE',
        message: expect.stringMatching(/^Redis refuses writes: .*maxmemory.*by itself/) as string,
      });
    expect(await client.ping()).toBe('PONG');
    await client.config('SET', 'maxmemory', '0');
    await probeWrites(redis.connection);
  });

  it('calls a Redis unreachable that lacks replicas, also within a transaction', async () => {
    const { client } = redis.connection;
    await client.config('SET', 'min-replicas-to-write', '1');
    const calls = [
      redis.connection.call(() => client.set('a', 'b')),
      redis.connection.call(() => client.multi().set('a', 'b').exec()),
      redis.connection.run(defineScript(`return redis.call('SET', 'a', 'b')`), [], []),
    ];
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    await client.config('SET', 'min-replicas-to-write', '0');
  });

  it.each([
    "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
    '@user_script: 24: -NOREPLICAS Not enough good replicas to write.',
    "ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -READONLY You can't write against a read only replica.",
    'ERR Error running script (call to f_1): @user_script:9: @user_script: 9: -MISCONF Redis is configured to save RDB snapshots, but is unable to persist on disk.',
    'CLUSTERDOWN The cluster is down',
    'ERR max number of clients reached',
  ])('knows as an outage: %s', async (text) => {
    const says = defineScript('return redis.error_reply(ARGV[1])');
    await expect(redis.connection.run(says, [], [text])).rejects.toMatchObject({
      code: 'QUEUE_UNREACHABLE',
    });
  });

  it('knows an error of a script of ours', async () => {
    const wrong = defineScript(`return redis.call('LPUSH', 'text', 'READONLY')`);
    await redis.connection.client.set('text', 'x');
    await expect(redis.connection.run(wrong, [], [])).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('checkRedis', () => {
  it('reports version and persistence, and refuses a server that evicts', async () => {
    const report = await checkRedis(redis.server.url);
    expect(report).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+/) as string,
      appendOnly: false,
      warnings: [expect.stringMatching(/appendonly is off/) as string],
    });
    await redis.connection.client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await expect(checkRedis(redis.server.url)).rejects.toThrow(/config set maxmemory-policy/);
    await redis.connection.client.config('SET', 'maxmemory-policy', 'noeviction');
  });
});

describe('a killed Redis', () => {
  it('fails calls at once, comes back with ledger, view and votes, and is reported once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-outage-'));
    const options = { programs: redisServerPrograms(process.env), folder, appendOnly: true };
    const first = await startRedisServer(options);
    const messages: string[] = [];
    const connection = await connectRedis(first.url, {
      role: 'producer',
      logger: recordingLogger(messages),
    });
    const ledger = createLedger(connection, 'run');
    const members = ['a', 'b'].map((memberId) => ({ memberId, host: 'h', port: 1, blocks: [] }));
    await beginEpoch(connection, 1);
    const view = await createViews(connection, 'run').publish({
      fencingEpoch: 1,
      mode: 'train',
      reason: 'test',
      members,
    });
    await ledger.vote(view, 'a', factsOf(0), sums);
    await ledger.vote(view, 'b', factsOf(0), sums);
    await ledger.vote(view, 'a', factsOf(1), sums);
    const entries = await ledger.entries(0, 9);

    await first.kill('SIGKILL');
    const voteInOutage = ledger.vote(view, 'b', factsOf(1), sums);
    await expect(voteInOutage).rejects.toMatchObject({ code: 'QUEUE_UNREACHABLE' });
    await sleep(700); // Long enough for several attempts to reconnect.
    const second = await startRedisServer(options);

    let result: string | undefined;
    while (result === undefined)
      result = await ledger.vote(view, 'b', factsOf(1), sums).then(
        ({ kind }) => kind,
        () => sleep(20, undefined),
      );
    expect(result).toBe('committed');
    expect(await ledger.entries(0, 1)).toEqual(entries);
    expect(messages).toEqual(['Redis is unreachable', 'Redis is back']);
    connection.close();
    await second.stop();
    await rm(folder, { recursive: true });
  });
});

function recordingLogger(messages: string[]): Logger {
  const record = (message: string, _fields?: LogFields): void => void messages.push(message);
  const logger: Logger = {
    debug: record,
    info: record,
    warn: record,
    error: record,
    child: () => logger,
  };
  return logger;
}
