import type { RedisConnection } from './connection.ts';
import { globalKeys } from './keys.ts';

const probeTtlMs = 10_000;

/** Writes a key that goes by itself. @throws BerthError `QUEUE_UNREACHABLE` when Redis does not answer, or takes no writes */
export async function probeWrites(connection: RedisConnection): Promise<void> {
  await connection.call((client) => client.set(globalKeys.probe, '1', 'PX', probeTtlMs));
}
