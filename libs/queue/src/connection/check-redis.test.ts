import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkRedis } from './check-redis.ts';
import { connectRedis } from './connection.ts';
import { redisServerPrograms } from '../server/redis-server.ts';

/** A Redis on a port of loopback, set up as somebody else might have; gone when the test ends. */
async function startRedis(...settings: string[]): Promise<{ port: number; client: Redis }> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-redis-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const parameters = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = await spawnFirst([...parameters, ...settings]);
  onTestFinished(async () => {
    if (server.exitCode !== null) return;
    const exit = once(server, 'exit');
    server.kill('SIGKILL');
    await exit;
  });
  const password = settings[settings.indexOf('--requirepass') + 1];
  const client = new Redis({
    port,
    ...(settings.includes('--requirepass') && { password: password! }),
  });
  client.on('error', () => undefined);
  onTestFinished(() => client.disconnect());
  await client.ping();
  return { port, client };
}

async function spawnFirst(parameters: readonly string[]): Promise<ChildProcess> {
  for (const program of redisServerPrograms(process.env)) {
    const child = spawn(program, parameters, { stdio: 'ignore' });
    const isThere = await new Promise((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (isThere) return child;
  }
  throw new Error('no Redis server is installed');
}

const refused = (message: RegExp): object => ({
  code: 'CONFIG_INVALID',
  message: expect.stringMatching(message) as string,
});

describe('a Redis of somebody else', () => {
  it('in cluster mode is refused, also by what would then fail at the first script', async () => {
    const { port } = await startRedis('--cluster-enabled', 'yes');
    await expect(checkRedis(`redis://127.0.0.1:${port}`)).rejects.toMatchObject(
      refused(/in cluster mode, .*cluster-enabled no/),
    );
  });

  it('takes a password of any characters, and never hears half of it', async () => {
    const password = 'a@b/c#d?e:f%g+h i';
    const { port } = await startRedis('--requirepass', password);
    const at = `127.0.0.1:${port}`;
    const { version } = await checkRedis(`redis://:${encodeURIComponent(password)}@${at}`);
    expect(version).toMatch(/^\d+\./);
    await expect(checkRedis(`redis://:wrong@${at}`)).rejects.toMatchObject(
      refused(/refuses the user or password of REDIS_URL \(WRONGPASS\).*percent-encoded/),
    );
    await expect(checkRedis(`redis://${at}`)).rejects.toMatchObject(refused(/\(NOAUTH\)/));
  });

  it('keeps everything in the database of the URL, or is refused', async () => {
    const { port, client } = await startRedis('--databases', '3');
    const url = `redis://127.0.0.1:${port}`;
    await checkRedis(`${url}/2`);
    const connection = await connectRedis(`${url}/2`, { role: 'producer' });
    await connection.client.set('berth:a', 'x');
    connection.close();
    expect(await client.get('berth:a')).toBeNull();
    await client.select(2);
    expect(await client.get('berth:a')).toBe('x');
    // What the check itself wrote is gone.
    expect(await client.keys('*')).toEqual(['berth:a']);
    await expect(checkRedis(`${url}/3`)).rejects.toMatchObject(refused(/has no database 3/));
    await expect(connectRedis(`${url}/3`, { role: 'worker' })).rejects.toMatchObject(
      refused(/has no database 3/),
    );
  });

  it('grants a user what the documented rights say, and names them where it does not', async () => {
    const { port, client } = await startRedis();
    const allow = async (name: string, ...rights: string[]): Promise<string> => {
      await client.call('ACL', 'SETUSER', name, 'on', '>pw', ...rights);
      return `redis://${name}:pw@127.0.0.1:${port}/1`;
    };
    const documented = ['~berth:*', '&berth:*', '+@all', '-@dangerous', '+info'];
    await checkRedis(await allow('good', ...documented));
    for (const [name, ...rights] of [
      ['no-scripts', ...documented, '-@scripting'],
      ['no-info', ...documented.slice(0, -1)],
      ['no-streams', ...documented, '-@stream'],
      ['other-keys', '~app:*', '+@all'],
    ])
      await expect(checkRedis(await allow(name!, ...rights))).rejects.toMatchObject(
        refused(/refuses what berth needs: .*ACL SETUSER name ~berth:\* &berth:\*/),
      );
  });

  it('that evicts, or is a replica, is refused', async () => {
    const { port, client } = await startRedis('--maxmemory-policy', 'allkeys-lru');
    const url = `redis://127.0.0.1:${port}`;
    await expect(checkRedis(url)).rejects.toMatchObject(refused(/may evict keys .*allkeys-lru/));
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await checkRedis(url);
    await client.call('REPLICAOF', '127.0.0.1', '1');
    await expect(checkRedis(url)).rejects.toMatchObject(refused(/is a replica/));
  });
});
