import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { connectRedis } from '../connection/connection.ts';
import { ledgerOf } from '@berth/protocol/testing';
import { redisServerPrograms, startRedisServer } from './redis-server.ts';
import { placeOfSocket } from './redis-socket.ts';

const programs = redisServerPrograms(process.env);

describe('startRedisServer', () => {
  it('answers with noeviction and removes its folder on stop', async () => {
    const server = await startRedisServer({ programs });
    const client = new Redis(server.socket);
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
    const client = new Redis(server.socket);
    const entries = ledgerOf(5_000).map((entry) => JSON.stringify(entry));
    await client.rpush('ledger', ...entries);
    const sizeBytes = entries.reduce((sum, { length }) => sum + length, 0);
    expect(await client.memory('USAGE', 'ledger', 'SAMPLES', 0)).toBeLessThan(sizeBytes / 3);
    client.disconnect();
    await server.stop();
  });

  it('lets other machines in by a password that no argument has', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    await once(probe.close(), 'close');
    const listen = { host: '127.0.0.1', port, password: 'pass0123456789' };
    const server = await startRedisServer({ programs, listen });
    expect(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')).not.toContain(listen.password);
    const inside = new Redis(server.url);
    expect(await inside.ping()).toBe('PONG');
    inside.disconnect();
    const outside = new Redis(port, { enableReadyCheck: false, protocol: 2 });
    await expect(outside.get('key')).rejects.toThrow(/NOAUTH/);
    outside.disconnect();
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
    const client = new Redis(first.socket);
    await client.set('kept', 'yes');
    client.disconnect();
    await first.kill('SIGKILL');
    const second = await startRedisServer({
      programs,
      folder,
      appendOnly: true,
    });
    const again = new Redis(second.socket);
    expect(await again.get('kept')).toBe('yes');
    again.disconnect();
    await second.stop();
    expect(existsSync(folder)).toBe(true);
    await rm(folder, { recursive: true });
  });

  it('says why when its socket cannot be made', async () => {
    await expect(startRedisServer({ programs, socket: '/nowhere/redis.sock' })).rejects.toThrow(
      /did not come up on \/nowhere\/redis.sock: .*No such file or directory/,
    );
  });

  it('listens on no port, on a socket that only its owner may use', async () => {
    const server = await startRedisServer({ programs });
    expect(statSync(server.folder).mode & 0o777).toBe(0o700);
    expect(statSync(server.socket).mode & 0o077).toBe(0);
    expect(numListening(server.pid)).toBe(0);
    await server.stop();
  });

  it('has its socket elsewhere, still for its owner only, when the path of the folder is long', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-deep-'));
    const folder = join(root, 'a folder/'.repeat(12));
    const server = await startRedisServer({ programs, folder });
    const connection = await connectRedis(server.url, { role: 'producer' });
    expect(await connection.client.ping()).toBe('PONG');
    connection.close();
    expect(server.socket.length).toBeLessThan(108);
    expect(statSync(dirname(server.socket)).mode & 0o777).toBe(0o700);
    await server.stop();
    expect(existsSync(dirname(server.socket))).toBe(false);
    await rm(root, { recursive: true });
  });

  it('does not take the folder of a long path from somebody else', async () => {
    const root = await mkdtemp(join(tmpdir(), 'berth-deep-'));
    const folder = join(root, 'x/'.repeat(60));
    const socket = await placeOfSocket(folder, { XDG_RUNTIME_DIR: root });
    expect(dirname(dirname(socket))).toBe(root);
    await rm(dirname(socket), { recursive: true });
    await symlink(tmpdir(), dirname(socket));
    await expect(placeOfSocket(folder, { XDG_RUNTIME_DIR: root })).rejects.toThrow(
      /is not a folder of yours/,
    );
    await rm(root, { recursive: true });
  });

  it('does not take what is disabled', async () => {
    const server = await startRedisServer({ programs, disabledCommands: ['CONFIG'] });
    const client = new Redis(server.socket);
    await expect(client.config('SET', 'dir', '/')).rejects.toThrow(/unknown command/);
    client.disconnect();
    await server.stop();
  });

  it('names every program it tried when none exists', async () => {
    await expect(startRedisServer({ programs: ['/nowhere/redis-server'] })).rejects.toMatchObject({
      code: 'RUNTIME_UNAVAILABLE',
      message: expect.stringContaining('/nowhere/redis-server') as string,
    });
  });
});

/** Of a link; nothing when it is gone, as that of a file which was just closed. */
function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** TCP sockets on which a process listens. */
function numListening(pid: number): number {
  const folder = `/proc/${pid}/fd`;
  const own = readdirSync(folder).flatMap((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(targetOf(join(folder, fd)))?.[1];
    return inode === undefined ? [] : [inode];
  });
  const listening = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state]) => state === '0A')
      .map((fields) => fields[9]),
  );
  return own.filter((inode) => listening.includes(inode)).length;
}
