import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { temporaryFolder } from '@berth/testing';
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
  const { path: folder } = await temporaryFolder();
  const key = { accessKeyId: 'test', secretAccessKey: 'secret' };
  const server = await startS3Server({ folder, ...key, strangerTimeoutMs: 300 });
  onTestFinished(() => server.close());
  const socket = await openTo(server.endpoint, text);
  await once(socket, 'close');
});
