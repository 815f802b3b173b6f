import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { isBerthError } from '@berth/contracts';
import * as fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { openTestStore } from '../testing/fixtures.ts';
import type { S3ObjectStore } from './s3-object-store.ts';

const numRuns = 150;
const atOnce = 10;
const maxBytes = 1_000;
const isStoreError = /^STORE_(UNREACHABLE|FULL|CORRUPT|NOT_FOUND|REFUSED|CONFLICT)$/;

const page = (contents: string, more = 'false'): string =>
  `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${contents}</ListBucketResult>`;
const entry = (key: string, size = '5'): string =>
  `<Contents><Key>${key}</Key><Size>${size}</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`;

const body = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.constantFrom(
    page(entry('team/a')),
    page(entry('team/a').repeat(30)),
    page(entry('other/b') + entry('team/c')),
    page(entry('../../etc/passwd')),
    page(entry('team/a', '-1') + entry('team/b', 'many') + entry('team/c', '9'.repeat(40))),
    page(entry('team/a'), 'true'),
    `${page(entry('team/a'), 'true')}<NextContinuationToken>x</NextContinuationToken>`,
    page(entry('team/&undefined;&#0;&#xD800;')),
    `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(50)}"><!ENTITY d "${'&b;'.repeat(50)}">]>${page(entry('team/&d;'))}`,
    page(entry('team/a')).slice(0, 70),
    '<a>'.repeat(2_000),
    '<Error><Code>__proto__</Code><Message>m</Message></Error>',
    `<Error><Code>NoSuchKey</Code><Message>${'m'.repeat(2_000)}`,
    'z'.repeat(3 * maxBytes),
  ),
);
const header = fc.oneof(
  fc.constantFrom(
    'Content-Type: application/xml',
    'Content-Encoding: gzip',
    'ETag: "',
    'Last-Modified: yesterday',
    'Date: never',
    'x-amz-checksum-sha256: AAAA',
    'x-amz-checksum-crc32: ////',
    'x-amz-mp-parts-count: x',
    'x-amz-meta-__proto__: y',
    'Location: http://127.0.0.1:9/',
    'Connection: upgrade',
    'Set-Cookie: a=b',
    `x-amz-request-id: ${'r'.repeat(9_000)}`,
  ),
  fc.string({ maxLength: 20 }).map((text) => `X-Odd: ${text.replaceAll(/[\r\n\0]/g, '')}`),
);
const answers = fc.record({
  status: fc.constantFrom(
    200,
    200,
    200,
    200,
    204,
    206,
    301,
    304,
    400,
    403,
    404,
    409,
    412,
    418,
    500,
    503,
    507,
    999,
  ),
  headers: fc.array(header, { maxLength: 4 }),
  body,
  framing: fc.constantFrom(
    'length',
    'length',
    'chunked',
    'close',
    'longer',
    'shorter',
    'bad chunk',
    'no head',
    'nothing',
  ),
  thenEnds: fc.boolean(),
});
type Odd = typeof answers extends fc.Arbitrary<infer T> ? T : never;

function encode({ status, headers, body: text, framing }: Odd): string {
  const length = Buffer.byteLength(text);
  const head = (last: string): string =>
    [`HTTP/1.1 ${status} X`, ...headers, last, '', ''].join('\r\n');
  switch (framing) {
    case 'length':
      return head(`Content-Length: ${length}`) + text;
    case 'chunked':
      return `${head('Transfer-Encoding: chunked')}${length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
    case 'close':
      return head('Connection: close') + text;
    case 'longer':
      return head(`Content-Length: ${length + 50}`) + text;
    case 'shorter':
      return head(`Content-Length: ${length >> 1}`) + text;
    case 'bad chunk':
      return `${head('Transfer-Encoding: chunked')}zz\r\n${text}`;
    case 'no head':
      return text;
    case 'nothing':
      return '';
  }
}

/** A store whose service answers every request so. */
async function storeOf(answer: Odd): Promise<{ store: S3ObjectStore; end: () => void }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      if (!bytes.includes('HTTP/1.1')) return;
      socket.write(encode(answer));
      if (answer.thenEnds) socket.end();
    });
    ends.push(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  const ends: (() => void)[] = [() => server.close()];
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const limits = { requestTimeoutMs: 200, deadlineMs: 400 };
  const store = openTestStore(`http://127.0.0.1:${port}`, limits);
  return { store, end: () => ends.forEach((end) => end()) };
}

/** What is wrong with what a call gave; undefined when nothing is. */
async function problemOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    const value = await call;
    if (value instanceof Uint8Array && value.length > maxBytes) return `${value.length} bytes`;
    if (!Array.isArray(value)) return undefined;
    const foreign = (value as { key: string }[]).find(({ key }) => !key.startsWith('a'));
    return foreign && `a listing of a names ${foreign.key}`;
  } catch (error) {
    if (isBerthError(error) && isStoreError.test(error.code)) return undefined;
    return String(error);
  }
}

it(`a hostile service gets no further than an error of the store: ${numRuns} answers`, async () => {
  const odd = fc.sample(answers, { numRuns, seed: 20261129 });
  const tryOne = async (answer: Odd): Promise<string[]> => {
    const { store, end } = await storeOf(answer);
    const calls = [
      store.get('a', { maxBytes }),
      store.list('a'),
      store.head('a'),
      store.put('a', Buffer.from('x'), { ifAbsent: true }),
      store.delete('a'),
      store.deleteAll(['a', 'b']),
      store.listUploads('a'),
    ];
    const problems = await Promise.all(calls.map(problemOf));
    end();
    return problems.flatMap((problem) => problem ?? []).map((text) => `${text}: ${encode(answer)}`);
  };
  for (let at = 0; at < numRuns; at += atOnce)
    expect((await Promise.all(odd.slice(at, at + atOnce).map(tryOne))).flat()).toEqual([]);
});

it('a body that never ends is read up to what it may have', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      const pour = (): void => {
        while (socket.writable && socket.write(`10000\r\n${'x'.repeat(0x10000)}\r\n`));
      };
      socket.on('drain', pour);
      pour();
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const store = openTestStore(`http://127.0.0.1:${port}`);
  await expect(store.get('a', { maxBytes })).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
});
