import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startS3Server } from './server.ts';

async function openTo(endpoint: string, text: string): Promise<Socket> {
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1').resume();
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

it.each([
  ['nothing', ''],
  ['half a head', 'PUT /box/key HTTP/1.1\r\nHost: x\r\n'],
  [
    'an unsigned upload that goes on',
    'PUT /box/key HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n',
  ],
])('ends a connection that sends %s', async (_what, text) => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-strangers-'));
  const key = { accessKeyId: 'test', secretAccessKey: 'secret' };
  const server = await startS3Server({ folder, ...key, unauthenticatedTimeoutMs: 300 });
  onTestFinished(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  const socket = await openTo(server.endpoint, text);
  await once(socket, 'close');
  expect(socket.destroyed).toBe(true);
});
