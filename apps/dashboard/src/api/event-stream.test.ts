import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { followEvents, retryDelayMs, type StreamState } from './event-stream.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

it('waits twice as long after each failure, up to 5 s, never all clients at once', () => {
  expect([1, 2, 3, 4].map((failures) => retryDelayMs(failures, 0))).toEqual([
    500, 1000, 2000, 4000,
  ]);
  expect(retryDelayMs(30, 0)).toBe(5_000);
  expect(retryDelayMs(1, 1)).toBe(375);
});

interface Followed {
  readonly states: readonly StreamState[];
  readonly lastIds: readonly (string | undefined)[];
  readonly numHeard: number;
}

/** Follows a server that does this to each connection, until enough has happened. */
async function follow(
  answer: (response: ServerResponse) => void,
  isEnough: (followed: Followed) => boolean,
): Promise<Followed> {
  const lastIds: (string | undefined)[] = [];
  const states: StreamState[] = [];
  let numHeard = 0;
  server = createServer((request, response) => {
    lastIds.push(request.headers['last-event-id'] as string | undefined);
    answer(response);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server?.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isEnough({ states, lastIds, numHeard })) return;
      close();
      resolve({ states, lastIds, numHeard });
    };
    const close = followEvents({
      path: `http://127.0.0.1:${port}/`,
      token: null,
      silenceMs: 500,
      onEvent: () => undefined,
      onHeard: () => {
        numHeard++;
        look();
      },
      onResync: () => undefined,
      onState: (state) => {
        states.push(state);
        look();
      },
    });
  });
}

it('gives a silent stream up, and goes on after the last event that it saw', async () => {
  const { states } = await follow(
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('id: a-7\n\n');
    },
    ({ states: seen, lastIds }) => lastIds.includes('a-7') && seen.at(-1) === 'live',
  );
  expect(states.slice(-4)).toEqual(['live', 'waiting', 'connecting', 'live']);
});

it('gives a server up that takes the connection and never answers', async () => {
  const { states } = await follow(
    () => undefined,
    ({ states: seen }) => seen.length === 3,
  );
  expect(states).toEqual(['connecting', 'waiting', 'connecting']);
});

it('takes comments for signs of life', async () => {
  const { lastIds } = await follow(
    (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const beat = setInterval(() => response.write(': alive\n\n'), 20);
      response.on('close', () => clearInterval(beat));
    },
    ({ numHeard }) => numHeard >= 10,
  );
  // No event has an id, so nothing but comments was heard.
  expect(new Set(lastIds)).toEqual(new Set([undefined]));
});

it('tells a server that asks for a token from one that is away', async () => {
  const { states } = await follow(
    (response) => response.writeHead(401).end(),
    ({ lastIds }) => lastIds.length === 3,
  );
  expect(states.slice(0, 3)).toEqual(['connecting', 'refused', 'refused']);
  expect(states).not.toContain('waiting');
});
