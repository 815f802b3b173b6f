import { silentLogger } from '@berth/contracts';
import { connectRedis, redisServerPrograms } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { superviseRedis } from './supervised-redis.ts';

it('brings Redis back with its data when it is killed, and not once it is stopped', async () => {
  const { path: folder } = await temporaryFolder();
  const programs = redisServerPrograms(process.env);
  const redis = await superviseRedis({ folder, appendOnly: true, programs }, silentLogger);
  const connection = await connectRedis(redis.url, { role: 'worker' });
  try {
    await connection.client.set('key', 'value');
    process.kill(Number(readFileSync(join(folder, 'redis.pid'), 'utf8')), 'SIGKILL');
    await waitFor(async () => (await connection.client.get('key')) === 'value', {
      intervalMs: 20,
      what: 'the value',
    });
  } finally {
    connection.close();
    await redis.stop();
  }
  await expect(connectRedis(redis.url, { role: 'producer', timeoutMs: 500 })).rejects.toMatchObject(
    { code: 'QUEUE_UNREACHABLE' },
  );
}, 20_000);

it('lets a replica take its place, on the same socket, and takes no dangerous commands', async () => {
  const { path: folder } = await temporaryFolder();
  const programs = redisServerPrograms(process.env);
  const redis = await superviseRedis({ folder, appendOnly: true, programs }, silentLogger);
  const connection = await connectRedis(redis.url, { role: 'worker' });
  const { client } = connection;
  const serverOf = async (): Promise<string | undefined> =>
    /run_id:(\w+)/.exec(await client.info('server'))?.[1];
  try {
    await client.set('key', 'copied');
    const before = await serverOf();
    await redis.promoteReplica(50);
    expect(await client.get('key')).toBe('copied');
    expect(await serverOf()).not.toBe(before);
    for (const command of ['CONFIG', 'REPLICAOF', 'MODULE', 'DEBUG', 'SHUTDOWN'])
      await expect(client.call(command)).rejects.toThrow(/unknown command/);
  } finally {
    connection.close();
    await redis.stop();
  }
}, 30_000);
