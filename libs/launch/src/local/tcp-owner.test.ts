import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { tcpOwner } from './tcp-owner.ts';

it('says whose a port is, of a server and of a client', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(tcpOwner({ port, isListening: true })).toBe(process.getuid?.());
  expect(tcpOwner({ port, isListening: false })).toBeUndefined();
  const client = connect(port, '127.0.0.1');
  const [incoming] = (await once(server, 'connection')) as [typeof client];
  expect(tcpOwner({ port: incoming.remotePort ?? 0, isListening: false })).toBe(process.getuid?.());
  client.destroy();
  server.close();
  await once(server, 'close');
  expect(tcpOwner({ port, isListening: true })).toBeUndefined();
});
