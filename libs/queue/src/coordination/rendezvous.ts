import type { RedisConnection } from '../connection/connection.ts';
import { rendezvousKey } from '../connection/keys.ts';

/** Where members of a view tell each other something small, once each. */
export interface Rendezvous {
  /** Writes this member's value; a second value of the same member is ignored. */
  post(key: string, memberId: string, value: string): Promise<void>;
  read(key: string): Promise<ReadonlyMap<string, string>>;
}

// Keys belong to one view; a day is far beyond the life of any that is still read.
const keyTtlSeconds = 86_400;

export function createRendezvous(connection: RedisConnection, runId: string): Rendezvous {
  return {
    async post(key, memberId, value) {
      const hash = rendezvousKey(runId, key);
      await connection.call((client) =>
        client.multi().hsetnx(hash, memberId, value).expire(hash, keyTtlSeconds).exec(),
      );
    },
    async read(key) {
      const values = await connection.call((client) => client.hgetall(rendezvousKey(runId, key)));
      return new Map(Object.entries(values));
    },
  };
}
