import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { createCoordinatorClient } from './coordinator-client.ts';

const token = 'a/token of 20 chars+';

it('has links that carry the token where no server sees it', () => {
  const client = createCoordinatorClient('http://127.0.0.1:7700,http://127.0.0.1:7701', {
    token,
    isOurs: false,
  });
  const link = new URL(client.link('/runs/mine'));
  expect(link.origin + link.pathname).toBe('http://127.0.0.1:7700/runs/mine');
  expect(new URLSearchParams(link.hash.slice(1)).get('token')).toBe(token);
});

it('tells the token to its own coordinator', async () => {
  let told: string | undefined;
  const server = createServer((request, response) => {
    told = request.headers.authorization;
    response.end('[]');
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await createCoordinatorClient(url, { token, isOurs: true }).list();
  expect(told).toBe(`Bearer ${token}`);
});

it('waits for a coordinator that is started again', async () => {
  const server = createServer((_request, response) => void response.end('[]'));
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const client = createCoordinatorClient(`http://127.0.0.1:${port}`, {
    token,
    isOurs: true,
    isKept() {
      if (!server.listening) server.listen(port, '127.0.0.1');
      return true;
    },
  });
  await expect(client.list()).resolves.toEqual([]);
});

it('says that none is there once nobody starts it again', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const url = `http://127.0.0.1:${port}`;
  await expect(createCoordinatorClient(url, { token, isOurs: true }).list()).rejects.toThrow(
    `No coordinator answers at ${url}`,
  );
});

// Another user takes the port of a coordinator that is being started again.
it.skipIf(process.getuid?.() !== 0)('tells it to nobody else who has the port', async () => {
  const program = `require('node:http')
    .createServer((request, response) => { process.stdout.write('asked'); response.end('[]'); })
    .listen(0, '127.0.0.1', function () { process.stdout.write(this.address().port + ';'); })`;
  const stranger = spawn(process.execPath, ['-e', program], { uid: 65_534, cwd: '/' });
  onTestFinished(() => void stranger.kill('SIGKILL'));
  let said = '';
  stranger.stdout.on('data', (chunk) => (said += String(chunk)));
  await once(stranger.stdout, 'data');
  const url = `http://127.0.0.1:${said.split(';')[0]}`;
  await expect(createCoordinatorClient(url, { token, isOurs: true }).list()).rejects.toMatchObject({
    code: 'COORDINATOR_UNREACHABLE',
    message: expect.stringContaining('user 65534') as string,
  });
  expect(said).not.toContain('asked');
});
