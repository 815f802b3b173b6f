import { silentLogger } from '@berth/contracts';
import { connectRedis, redisServerPrograms } from '@berth/queue';
import { temporaryFolder, waitFor } from '@berth/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keepRedis } from './kept-redis.ts';

it('brings Redis back with its data when it is killed, and not once it is stopped', async () => {
  const { path: folder } = await temporaryFolder();
  const programs = redisServerPrograms(process.env);
  const redis = await keepRedis({ folder, appendOnly: true, programs }, silentLogger);
  const connection = await connectRedis(redis.url, { role: 'worker' });
  try {
    await connection.client.set('key', 'value');
    process.kill(Number(readFileSync(join(folder, 'redis.pid'), 'utf8')), 'SIGKILL');
    await waitFor(async () => (await connection.client.get('key')) === 'value', {
      timeoutMs: 10_000,
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
