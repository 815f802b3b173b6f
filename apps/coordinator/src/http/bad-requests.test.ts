import { createHash } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { wireErrorSchema } from '@berth/contracts';
import { openRun, type RedisConnection } from '@berth/queue';
import { expect, it, onTestFinished } from 'vitest';
import { configOf, failJob, lineOf, startTestApi } from '../testing/api-fixture.ts';
import { badRequests, type BadRequest } from '../testing/bad-requests.ts';

const numRequests = 10_000;
const numConnections = 8;
const seed = Number(process.env['BERTH_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const plenty = { perSecond: 1e6, burst: 1e6 };

it(`refuses ${numRequests} bad requests (BERTH_FUZZ_SEED=${seed})`, async () => {
  const rates = { writes: plenty, expensiveReads: plenty, badTokens: plenty };
  const api = await startTestApi({ rates });
  const { token } = api;
  const goal = 'trained';
  await api.post('/api/runs', { config: configOf('a'), goal });
  await api.post('/api/runs/a/controls/stop', {});
  for (let step = 0; step < 20; step++)
    await openRun(api.connection, 'a').metrics.append(lineOf(step));
  const jobId = await failJob(api);
  const submission = { config: configOf('b', { train: { microBatch: 1 } }), goal };

  const before = await digestOfState(api.connection);
  const next = badRequests(seed, { token, runId: 'a', jobId, submission });
  const agent = new Agent({ keepAlive: true, maxSockets: numConnections });
  onTestFinished(() => agent.destroy());
  let numSent = 0;
  const send = async (): Promise<void> => {
    while (numSent++ < numRequests) {
      const bad = next();
      const { status, text } = await ask(api.url, bad, agent);
      const problem = problemOf(status, text);
      if (problem === undefined) continue;
      const what = `${bad.fault}: ${bad.method} ${bad.path} ${bad.body?.slice(0, 200) ?? ''}`;
      expect.fail(`${what}: ${problem}: ${status} ${text}`);
    }
  };
  await Promise.all(Array.from({ length: numConnections }, send));
  for (const text of malformed) await sendRaw(api.url, text);

  expect((await api.get('/api/runs/a')).status).toBe(200);
  expect((await api.get('/readyz')).status).toBe(200);
  expect(await digestOfState(api.connection)).toBe(before);
});

/** What is wrong with the answer to a bad request. */
function problemOf(status: number, text: string): string | undefined {
  if (status < 400) return 'it was accepted';
  if (status >= 500) return 'the server failed';
  // What is no request at all is refused before the API sees it.
  if (status === 400 && text === '') return undefined;
  if (!wireErrorSchema.safeParse(JSON.parse(text)).success) return 'it was not told why';
  return /\.(ts|js|mjs):\d+/.test(text) ? 'it was told too much' : undefined;
}

function ask(
  url: string,
  { method, path, headers, body }: BadRequest,
  agent: Agent,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const options = { hostname, port, method, path, headers, agent };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const malformed = [
  'x',
  'GET\r\n\r\n',
  'GET / HTTP/9.9\r\n\r\n',
  'GET /api/runs HTTP/1.1\r\n\r\n',
  `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
  `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  'POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n',
  'POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'GET http://evil.test/api/runs HTTP/1.1\r\nHost: evil.test\r\n\r\n',
  'GET //evil.test/ HTTP/1.1\r\nHost: :::\r\n\r\n',
  'GET /\u0000 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  'CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test\r\n\r\n',
  'GET /api/runs/%c0%ae%c0%ae HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
  '\u0016\u0003\u0001\u0002\u0000',
];

/** Sends bytes; whatever comes back, it is no success and no failure of the server. */
async function sendRaw(url: string, text: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  socket.end(text);
  await new Promise((resolve) => {
    socket.once('close', resolve);
    setTimeout(() => resolve(socket.destroy()), 2_000).unref();
  });
  expect(`${text.slice(0, 100)} -> ${answer}`).not.toMatch(/-> HTTP\/1\.1 [25]\d\d/);
}

/** Of all that is kept about runs and jobs. */
async function digestOfState({ client }: RedisConnection): Promise<string> {
  const hash = createHash('sha256');
  for (const key of (await client.keys('berth*')).sort()) {
    // BullMQ's signs of life end by themselves.
    if ((await client.pttl(key)) >= 0) continue;
    hash.update(key).update((await client.dumpBuffer(key)) ?? '');
  }
  return hash.digest('hex');
}
