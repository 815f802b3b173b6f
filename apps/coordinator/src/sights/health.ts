import { toBerthError, type ClusterReport, type ObjectStore } from '@berth/contracts';
import type { RedisConnection } from '@berth/queue';
import { withinTime } from '../within-time.ts';

export type Health = ClusterReport['redis'];

/** Whether what a coordinator depends on answers, asked at most once a second. */
export interface HealthCheck {
  redis(): Promise<Health>;
  store(): Promise<Health>;
}

const timeoutMs = 2_000;
const goodForMs = 1_000;

export function createHealthCheck(connection: RedisConnection, store: ObjectStore): HealthCheck {
  return {
    redis: atMostEvery(goodForMs, () =>
      check(connection.where, 'QUEUE_UNREACHABLE', () =>
        connection.call((client) => client.ping()),
      ),
    ),
    store: atMostEvery(goodForMs, () =>
      check(store.describe(), 'STORE_UNREACHABLE', () => store.head('health')),
    ),
  };
}

async function check(
  what: string,
  code: 'QUEUE_UNREACHABLE' | 'STORE_UNREACHABLE',
  ask: () => Promise<unknown>,
): Promise<Health> {
  const askedMs = performance.now();
  try {
    await withinTime(ask(), { timeoutMs, code, what });
    const tookMs = Math.round(performance.now() - askedMs);
    return { isOk: true, detail: `${what} answered in ${tookMs} ms` };
  } catch (error) {
    return { isOk: false, detail: toBerthError(error).message };
  }
}

function atMostEvery<T>(intervalMs: number, ask: () => Promise<T>): () => Promise<T> {
  let last: Promise<T> | undefined;
  let askedMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (last !== undefined && nowMs - askedMs < intervalMs) return last;
    askedMs = nowMs;
    last = ask();
    return last;
  };
}
