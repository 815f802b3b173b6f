import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { openTestStore } from '../testing/fixtures.ts';
import type { S3ObjectStore } from './s3-object-store.ts';

async function storeOf(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<S3ObjectStore> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return openTestStore(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

it('a service that takes no list of keys is asked for each of them, and never again for a list', async () => {
  const asked: string[] = [];
  const store = await storeOf(({ method = '', url = '' }, response) => {
    asked.push(`${method} ${new URL(url, 'http://s').pathname}`);
    if (method === 'POST')
      response.writeHead(501).end('<Error><Code>NotImplemented</Code><Message>m</Message></Error>');
    else response.writeHead(204).end();
  });
  await store.deleteAll(['a', 'b']);
  await store.deleteAll(['c']);
  expect(asked.toSorted()).toEqual([
    'DELETE /box/team/a',
    'DELETE /box/team/b',
    'DELETE /box/team/c',
    'POST /box/',
  ]);
});

it('a key that may not be deleted is named, and one that failed for a while is tried again', async () => {
  const codes = ['SlowDown', 'AccessDenied'];
  const store = await storeOf((request, response) => {
    request.resume();
    const error = `<Error><Key>team/b</Key><Code>${codes.shift()}</Code><Message>no</Message></Error>`;
    response.end(`<DeleteResult>${error}</DeleteResult>`);
  });
  await expect(store.deleteAll(['a', 'b'])).rejects.toMatchObject({
    code: 'STORE_REFUSED',
    message: expect.stringContaining('team/b') as string,
  });
  expect(codes).toEqual([]);
});
