import { setTimeout as sleep } from 'node:timers/promises';
import { openRun } from '@berth/queue';
import { waitFor } from '@berth/testing';
import { Hono } from 'hono';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configOf, lineOf, startTestApi, type ApiFixture } from '../testing/api-fixture.ts';
import { EventHub } from '../events/event-hub.ts';
import { EventReader } from '../testing/event-reader.ts';
import { EventStreams } from './event-stream.ts';
import { listen } from './listen.ts';

const numClients = 200;
const numSteps = 400;

async function connect(api: ApiFixture, query = ''): Promise<EventReader> {
  const reader = new EventReader(`${api.url}/api/events${query}`, api.token);
  onTestFinished(() => reader.cut());
  expect(await reader.connect()).toBe(200);
  return reader;
}

async function submit(api: ApiFixture, name: string): Promise<void> {
  expect((await api.post('/api/runs', { config: configOf(name), goal: 'trained' })).status).toBe(
    201,
  );
}

describe('the event stream', () => {
  it('gives 200 clients every event, over a reconnect of them all', async () => {
    const rate = { perSecond: 10_000, burst: 10_000 };
    const api = await startTestApi({
      rates: { writes: rate, expensiveReads: rate, badTokens: rate },
      events: { maxReadersHere: numClients },
    });
    await submit(api, 'a');
    const readers = Array.from(
      { length: numClients },
      () => new EventReader(`${api.url}/api/events?run=a`, api.token),
    );
    onTestFinished(() => readers.forEach((reader) => reader.cut()));
    await Promise.all(readers.map((reader) => reader.connect()));
    // The feed has looked once: what comes now is new.
    await sleep(600);
    const { metrics: log } = openRun(api.connection, 'a');
    for (let step = 0; step < numSteps; step++) {
      await log.append(lineOf(step));
      await sleep(5);
      if (step % 150 !== 140) continue;
      readers.forEach((reader) => reader.cut());
      await sleep(300);
      await Promise.all(readers.map((reader) => reader.connect()));
    }
    await waitFor(() => readers.every(({ steps }) => steps.length >= numSteps), {
      what: 'all events',
    });
    const all = Array.from({ length: numSteps }, (_, step) => step);
    for (const { steps } of readers) expect(steps).toEqual(all);
    expect(readers.flatMap(({ events }) => events).filter(({ type }) => type === 'resync')).toEqual(
      [],
    );
  });

  it('tells of what is done to runs, on the overview too', async () => {
    const api = await startTestApi();
    const overview = await connect(api);
    await submit(api, 'a');
    const run = await connect(api, '?run=a');
    await api.post('/api/runs/a/controls/stop');
    for (const reader of [overview, run])
      await waitFor(
        () => reader.events.some((e) => e.type === 'run' && e.report.run.status === 'stopped'),
        { what: 'the stopped run' },
      );
    await waitFor(() => run.events.some(({ type }) => type === 'cluster'), { what: 'the cluster' });
    expect(overview.events.some(({ type }) => type === 'workers')).toBe(false);
  });

  it('tells a client with the id of another coordinator to read all anew', async () => {
    const api = await startTestApi();
    const reader = new EventReader(`${api.url}/api/events`, api.token);
    onTestFinished(() => reader.cut());
    reader.lastEventId = 'abcdef012345-7';
    await reader.connect();
    await waitFor(() => reader.events.length > 0, { what: 'an event' });
    expect(reader.events[0]?.type).toBe('resync');
  });

  it('shows that it lives, and takes no more clients than it can', async () => {
    const api = await startTestApi({ events: { heartbeatMs: 50, maxReaders: 2 } });
    const first = await connect(api);
    await connect(api);
    await waitFor(() => first.numComments > 3, { what: 'signs of life' });
    const third = new EventReader(`${api.url}/api/events`, api.token);
    expect(await third.connect()).toBe(503);
    first.cut();
    await waitFor(async () => (await third.connect()) === 200, { what: 'a free place' });
    third.cut();
  });

  it('takes so many readers of one machine, whatever address they have, and more of others', async () => {
    const api = await startTestApi({
      host: '0.0.0.0',
      events: { maxReadersHere: 2, maxReadersOfClient: 1 },
    });
    const { port } = new URL(api.url);
    const at = (host: string): EventReader => {
      const reader = new EventReader(`http://${host}:${port}/api/events`, api.token);
      onTestFinished(() => reader.cut());
      return reader;
    };
    expect(await at('127.0.0.1').connect()).toBe(200);
    const second = at('127.0.0.2');
    expect(await second.connect()).toBe(200);
    const third = at('127.0.0.3');
    expect(await third.connect()).toBe(503);
    second.cut();
    await waitFor(async () => (await third.connect()) === 200, { what: 'a free place' });
  });

  it('cuts off a client that takes nothing', async () => {
    const hub = new EventHub({ epoch: 'e' });
    let numReaders = 0;
    const enter = (): { topic: string; leave: () => void } => {
      numReaders++;
      return { topic: 't', leave: () => void numReaders-- };
    };
    const streams = new EventStreams({ hub, feed: { enter }, stallMs: 200 });
    const app = new Hono();
    app.get('/', (context) => streams.open(context, { runId: undefined, lastEventId: undefined }));
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    onTestFinished(() => server.close());
    const [slow, quick] = [new EventReader(server.url), new EventReader(server.url)];
    onTestFinished(() => quick.cut());
    await Promise.all([slow.connect(), quick.connect()]);
    const response = slow.pause();
    const reason = 'x'.repeat(500_000);
    await waitFor(
      () => {
        hub.publish(['t'], { type: 'resync', reason });
        return numReaders === 1;
      },
      { what: 'the end of the slow one' },
    );
    const ended = new Promise((resolve) => response?.once('close', resolve));
    response?.resume();
    await ended;
    expect(quick.events.length).toBeGreaterThan(0);
  });
});
