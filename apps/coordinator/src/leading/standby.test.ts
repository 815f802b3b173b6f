import {
  parseRunConfig,
  silentLogger,
  type RunStatusReport,
  type Services,
} from '@berth/contracts';
import { waitFor } from '@berth/testing';
import { connectRedis, createLease } from '@berth/queue';
import { expect, it, onTestFinished } from 'vitest';
import { startServices } from '../testing/services.ts';
import { runCoordinator } from '../coordinator.ts';

const token = '0123456789abcdef';
const authorization = `Bearer ${token}`;

async function startCoordinator(
  services: Services,
  coordinatorId: string,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const stopping = new AbortController();
  let onReady: (url: string) => void = () => undefined;
  const ready = new Promise<string>((resolve) => (onReady = resolve));
  const place = { host: '127.0.0.1', port: 0 };
  const running = runCoordinator(
    {
      coordinatorId,
      services,
      ...place,
      token,
      names: undefined,
      relay: undefined,
      onReady: (url) => onReady(url),
      logger: silentLogger,
    },
    stopping.signal,
  );
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  return { url: await ready, stop };
}

it('a standby answers as the leader does, and goes on with its runs', async () => {
  const services = await startServices();
  const leader = await startCoordinator(services, 'leader');
  const connection = await connectRedis(services.redisUrl, { role: 'producer' });
  onTestFinished(() => connection.close());
  const lease = createLease(connection, { holderId: 'test', ttlMs: 0 });
  const holder = async (id: string): Promise<boolean> =>
    (await lease.lastHolder())?.holderId === id;
  await waitFor(() => holder('leader'), { what: 'the leader' });

  const standby = await startCoordinator(services, 'standby');
  onTestFinished(() => standby.stop());
  const config = parseRunConfig({ name: 'r', corpus: { path: '/text' } }, 'test');
  const submitted = await fetch(`${standby.url}/api/runs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ config, goal: 'trained' }),
  });
  expect(submitted.status).toBe(201);
  const statusAt = async (url: string): Promise<string> => {
    const response = await fetch(`${url}/api/runs/r`, { headers: { authorization } });
    return ((await response.json()) as RunStatusReport).run.status;
  };
  await waitFor(async () => (await statusAt(leader.url)) === 'preparing', { what: 'the leader' });
  expect(await statusAt(standby.url)).toBe('preparing');

  await leader.stop();
  await waitFor(() => holder('standby'), { what: 'the standby to lead' });
  expect(await statusAt(standby.url)).toBe('preparing');
});
