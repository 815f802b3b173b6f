import { describe, expect, it } from 'vitest';
import { coordinatorVariables } from './coordinator-variables.ts';
import { readVariables } from './read-variables.ts';
import { workerVariables } from './worker-variables.ts';

const worker = (env: Record<string, string>) => readVariables(workerVariables, env);

describe('readVariables', () => {
  it('takes an empty variable for one that is not set', () => {
    const empty = Object.fromEntries(Object.keys(workerVariables.shape).map((name) => [name, ' ']));
    expect(worker(empty)).toEqual(worker({}));
    expect(worker({})).toEqual({
      BERTH_DEVICE: 'auto',
      BERTH_NUM_THREADS: 1,
      BERTH_PEER_HOST: '127.0.0.1',
      BERTH_PEER_PORT: 0,
      BERTH_WORKER_ROLE: 'train',
      BERTH_GRACE_MS: 25_000,
      BERTH_RUN_WAIT_MS: 600_000,
      BERTH_NOTICES: 'auto',
      BERTH_PEER_REACHABLE: 'true',
      BERTH_ENGINE: 'process',
      BERTH_METRICS_HOST: '127.0.0.1',
    });
    expect(readVariables(coordinatorVariables, { BERTH_HTTP_PORT: '' }).BERTH_HTTP_PORT).toBe(7700);
  });

  it('reads numbers and endpoints', () => {
    const env = { BERTH_NUM_THREADS: '4', BERTH_PEER_ADVERTISE: '[::1]:7800', OTHER: 'x' };
    expect(worker(env)).toMatchObject({
      BERTH_NUM_THREADS: 4,
      BERTH_PEER_ADVERTISE: { host: '[::1]', port: 7800 },
    });
    expect(worker(env)).not.toHaveProperty('OTHER');
  });

  it.each([
    ['BERTH_NUM_THREADS', '0', 'use a whole number from 1 to 1024'],
    ['BERTH_NUM_THREADS', 'many', 'use a whole number from 1 to 1024'],
    ['BERTH_PEER_PORT', '65536', 'use a port number'],
    ['BERTH_LINK_MBIT_PER_S', '2.5', 'use a whole number from 1 to 9600000'],
    ['BERTH_METRICS_PORT', 'http', 'use a port number'],
    ['BERTH_PEER_ADVERTISE', '10.0.0.1', 'write host:port, where workers reach it'],
    ['BERTH_PEER_ADVERTISE', 'a:99999', 'write host:port, where workers reach it'],
    ['BERTH_DEVICE', 'cuda', 'it is gpu, auto or cpu'],
  ])('refuses %s=%s', (name, value, what) => {
    expect(() => worker({ [name]: value })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `${name} is "${value}"; ${what}`,
      }),
    );
  });
});
