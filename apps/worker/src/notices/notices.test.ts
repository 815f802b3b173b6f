import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@berth/contracts';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { createAws } from './aws.ts';
import { createAzure } from './azure.ts';
import { findCloud } from './find-cloud.ts';
import { createGce } from './gce.ts';
import { reply, serveMetadata, type MetadataServer } from './testing/metadata-server.ts';
import { watchNotices } from './watch-notices.ts';

const { signal } = new AbortController();

/** Answers only to a token that it gave, and each token three times. */
async function serveAws(now: Record<string, string>): Promise<MetadataServer> {
  let numTokens = 0;
  let numLeft = 0;
  return serveMetadata((request, response, { pathname }) => {
    if (request.method === 'PUT' && pathname === '/latest/api/token') {
      if (request.headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined)
        return reply(response, 400);
      numLeft = 3;
      return reply(response, 200, `token-${(numTokens += 1)}`);
    }
    const isKnown = request.headers['x-aws-ec2-metadata-token'] === `token-${numTokens}`;
    if (!isKnown || (numLeft -= 1) < 0) return reply(response, 401);
    const body = now[pathname.replace('/latest/meta-data/', '')];
    return body === undefined ? reply(response, 404, 'Not Found') : reply(response, 200, body);
  });
}

it('hears of a spot interruption from AWS, with tokens that expire', async () => {
  const now: Record<string, string> = {};
  const server = await serveAws(now);
  const cloud = createAws(server.endpoint, 1);
  expect(await cloud.isThere()).toBe(true);
  const notice = cloud.watch(signal);
  const tokens = (): string[] => server.asked.filter((line) => line.startsWith('PUT'));
  await waitFor(() => tokens().length > 2, { what: 'a third token' });
  const time = new Date(Date.now() + 120_000).toISOString();
  now['spot/instance-action'] = JSON.stringify({ action: 'terminate', time });
  const { reason, withinMs } = await notice;
  expect(reason).toBe('AWS is about to terminate this spot instance');
  expect(withinMs).toBeGreaterThan(60_000);
});

it('hears what AWS recommends, unless that stood there before', async () => {
  const path = 'events/recommendations/rebalance';
  const now = { [path]: JSON.stringify({ noticeTime: '2020-10-27T08:22:00Z' }) };
  const server = await serveAws(now);
  const notice = createAws(server.endpoint, 1).watch(signal);
  await waitFor(() => server.asked.length > 20, { what: 'more looks at it' });
  now[path] = JSON.stringify({ noticeTime: new Date(Date.now() + 1_000).toISOString() });
  expect((await notice).reason).toBe('AWS recommends to leave this spot instance');
});

/** Holds a request that waits for a change until there is one. */
async function serveGce(
  values: Record<string, string>,
): Promise<MetadataServer & { change(name: string, value: string): void }> {
  const waiting: { name: string; response: ServerResponse }[] = [];
  const answer = (name: string, response: ServerResponse): void =>
    reply(response, 200, values[name], {
      etag: `e-${values[name]}`,
      'metadata-flavor': 'Google',
    });
  const server = await serveMetadata((request, response, { pathname, searchParams }) => {
    const name = pathname.replace('/computeMetadata/v1/instance/', '');
    if (request.headers['metadata-flavor'] !== 'Google') return reply(response, 403);
    if (values[name] === undefined) return reply(response, 404);
    const isNews = searchParams.get('last_etag') !== `e-${values[name]}`;
    if (searchParams.get('wait_for_change') !== 'true' || isNews) answer(name, response);
    else waiting.push({ name, response });
  });
  return {
    ...server,
    change(name, value) {
      values[name] = value;
      const held = waiting.filter((request) => request.name === name);
      for (const request of held) {
        waiting.splice(waiting.indexOf(request), 1);
        answer(name, request.response);
      }
    },
  };
}

it.each([
  ['preempted', 'TRUE', 'Google Cloud pre-empts this machine', 30_000],
  [
    'maintenance-event',
    'TERMINATE_ON_HOST_MAINTENANCE',
    'Google Cloud ends this machine for maintenance of its host',
    undefined,
  ],
])('hears of %s from Google, when it changes', async (name, value, reason, withinMs) => {
  const server = await serveGce({ preempted: 'FALSE', 'maintenance-event': 'NONE' });
  const cloud = createGce(server.endpoint);
  expect(await cloud.isThere()).toBe(true);
  const notice = cloud.watch(signal);
  await waitFor(() => server.asked.length === 5, { what: 'both held requests' });
  server.change('maintenance-event', 'MIGRATE_ON_HOST_MAINTENANCE');
  await waitFor(() => server.asked.length === 6, { what: 'the next held request' });
  server.change(name, value);
  expect(await notice).toEqual(withinMs === undefined ? { reason } : { reason, withinMs });
});

it('hears from Azure what is to happen to this machine, not to others of its scale set', async () => {
  const event = (EventType: string, machine: string): object => ({
    EventId: 'x',
    EventType,
    EventStatus: 'Scheduled',
    ResourceType: 'VirtualMachine',
    Resources: [machine],
    NotBefore: new Date(Date.now() + 30_000).toUTCString(),
  });
  const Events = [event('Preempt', 'set_1'), event('Freeze', 'set_2')];
  const server = await serveMetadata((request, response, { pathname }) => {
    if (request.headers['metadata'] !== 'true') return reply(response, 400);
    if (pathname === '/metadata/instance/compute/name') return reply(response, 200, 'set_2');
    if (pathname !== '/metadata/scheduledevents') return reply(response, 404);
    return reply(response, 200, JSON.stringify({ DocumentIncarnation: 2, Events }));
  });
  const cloud = createAzure(server.endpoint, 1);
  expect(await cloud.isThere()).toBe(true);
  const notice = cloud.watch(signal);
  await waitFor(() => server.asked.length > 5, { what: 'more looks at it' });
  Events.push(event('Preempt', 'set_2'));
  const { reason, withinMs } = await notice;
  expect(reason).toBe('Azure pre-empts this machine (Preempt)');
  expect(withinMs).toBeGreaterThan(0);
});

async function firmware(vendor: string, product: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-firmware-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'sys_vendor'), `${vendor}\n`);
  await writeFile(join(folder, 'product_name'), `${product}\n`);
  return folder;
}

it('asks nobody on a machine of no cloud, and gives up where nobody answers', async () => {
  const silent = await serveMetadata(() => undefined);
  const { endpoint } = silent;
  const find = async (vendor: string, product: string): Promise<string | undefined> => {
    const firmwareFolder = await firmware(vendor, product);
    return (await findCloud({ notices: 'auto', endpoint, firmwareFolder }))?.name;
  };
  expect(await find('Dell Inc.', 'PowerEdge')).toBeUndefined();
  expect(silent.asked).toEqual([]);
  expect(await find('Amazon EC2', 'g5.xlarge')).toBeUndefined();
  expect(silent.asked).toEqual(['PUT /latest/api/token']);
  const server = await serveGce({ preempted: 'FALSE' });
  const firmwareFolder = await firmware('Google', 'Google Compute Engine');
  const found = await findCloud({ notices: 'auto', endpoint: server.endpoint, firmwareFolder });
  expect(found?.name).toBe('gce');
});

it('drains the worker upon a notice, before the machine is gone, and upon a signal of Slurm', async () => {
  const server = await serveGce({ preempted: 'TRUE', 'maintenance-event': 'NONE' });
  const orders: [string, number?][] = [];
  const stopping = {
    signal,
    stop: (...order: [string, number?]) => void orders.push(order),
  };
  const env = { SLURM_JOB_ID: '12' };
  const { endpoint } = server;
  await watchNotices({ notices: 'gce', endpoint, env, logger: silentLogger }, stopping);
  expect(orders).toEqual([['Google Cloud pre-empts this machine', 25_000]]);
  process.kill(process.pid, 'SIGUSR1');
  await waitFor(() => orders.length === 2, { what: 'the signal' });
  expect(orders[1]).toEqual(['a signal of Slurm to job 12']);
});
