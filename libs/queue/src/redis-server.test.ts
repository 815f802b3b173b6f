import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { ledgerOf } from './fixtures/steps.ts';
import { redisServerPrograms, startRedisServer } from './redis-server.ts';

const programs = redisServerPrograms(process.env);

describe('startRedisServer', () => {
  it('answers on loopback with noeviction and removes its folder on stop', async () => {
    const server = await startRedisServer({ programs });
    const client = new Redis(server.url);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual([
      'maxmemory-policy',
      'noeviction',
    ]);
    client.disconnect();
    await server.stop();
    expect(existsSync(server.folder)).toBe(false);
    await expect(server.stop()).resolves.toBeUndefined();
  });

  it('holds a ledger in a fraction of what its entries take', async () => {
    const server = await startRedisServer({ programs });
    const client = new Redis(server.url);
    const entries = ledgerOf(5_000).map((entry) => JSON.stringify(entry));
    await client.rpush('ledger', ...entries);
    const sizeBytes = entries.reduce((sum, { length }) => sum + length, 0);
    expect(await client.memory('USAGE', 'ledger', 'SAMPLES', 0)).toBeLessThan(sizeBytes / 3);
    client.disconnect();
    await server.stop();
  });

  it('ends a server that a killed process left behind on its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-orphan-'));
    const left = await startRedisServer({ programs, folder, appendOnly: true });
    const server = await startRedisServer({ programs, folder, appendOnly: true });
    expect(server.pid).not.toBe(left.pid);
    expect(existsSync(`/proc/${left.pid}`)).toBe(false);
    await server.stop();
    await rm(folder, { recursive: true });
  });

  it('finds its data again after SIGKILL when append-only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-aof-'));
    const first = await startRedisServer({ programs, folder, appendOnly: true });
    const client = new Redis(first.url);
    await client.set('kept', 'yes');
    client.disconnect();
    await first.kill('SIGKILL');
    const second = await startRedisServer({
      programs,
      folder,
      appendOnly: true,
      port: first.port,
    });
    const again = new Redis(second.url);
    expect(await again.get('kept')).toBe('yes');
    again.disconnect();
    await second.stop();
    expect(existsSync(folder)).toBe(true);
    await rm(folder, { recursive: true });
  });

  it('says why when the port is taken', async () => {
    const first = await startRedisServer({ programs });
    await expect(startRedisServer({ programs, port: first.port })).rejects.toThrow(
      /did not come up on 127.0.0.1:\d+: .*[Aa]ddress already in use/,
    );
    await first.stop();
  });

  it('names every program it tried when none exists', async () => {
    await expect(startRedisServer({ programs: ['/nowhere/redis-server'] })).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringContaining('/nowhere/redis-server') as string,
    });
  });
});
