import {
  errorFromWire,
  orAborted,
  toBerthError,
  type ClusterReport,
  type ErrorCode,
  type ObjectStore,
} from '@berth/contracts';
import { createMembers, probeWrites, type RedisConnection } from '@berth/queue';

export type Health = ClusterReport['redis'] & {
  /** When it is not well. */
  readonly code?: ErrorCode;
};

/** Whether what a coordinator depends on answers and takes writes, asked at most once a second. */
export interface HealthCheck {
  redis(): Promise<Health>;
  store(): Promise<Health>;
}

const timeoutMs = 2_000;
const goodForMs = 1_000;

export function createHealthCheck(connection: RedisConnection, store: ObjectStore): HealthCheck {
  return {
    redis: atMostEvery(goodForMs, () =>
      check(connection.where, 'QUEUE_UNREACHABLE', () => probeWrites(connection)),
    ),
    store: atMostEvery(goodForMs, () =>
      check(store.describe(), 'STORE_UNREACHABLE', async () => {
        await store.head('health');
        await requireSpace(connection);
      }),
    ),
  };
}

/** Whether there is space those know who write much. @throws BerthError `STORE_FULL` as a worker met it */
async function requireSpace(connection: RedisConnection): Promise<void> {
  const live = await createMembers(connection).list({ forget: false });
  const troubles = live.flatMap(({ info }) => info.troubles ?? []);
  const full = troubles.find(({ error }) => error.code === 'STORE_FULL');
  if (full !== undefined) throw errorFromWire(full.error);
}

async function check(
  what: string,
  code: 'QUEUE_UNREACHABLE' | 'STORE_UNREACHABLE',
  ask: () => Promise<unknown>,
): Promise<Health> {
  const askedMs = performance.now();
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    await orAborted(ask(), deadline);
    const tookMs = Math.round(performance.now() - askedMs);
    return { isOk: true, detail: `${what} answered in ${tookMs} ms` };
  } catch (error) {
    if (error === deadline.reason)
      return { isOk: false, detail: `${what} did not answer within ${timeoutMs} ms`, code };
    const { message, code: cause } = toBerthError(error);
    return { isOk: false, detail: message, code: cause };
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
