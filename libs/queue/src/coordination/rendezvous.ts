import type { RedisConnection } from '../connection/connection.ts';
import { rendezvousKey } from '../connection/keys.ts';

/** Where members of a view tell each other something small, once each. */
export interface Rendezvous {
  /** Writes this member's word; a second word of the same member is ignored. */
  post(topic: string, memberId: string, word: string): Promise<void>;
  read(topic: string): Promise<ReadonlyMap<string, string>>;
}

// Topics belong to one view; a day is far beyond the life of any that is still read.
const topicTtlSeconds = 86_400;

export function createRendezvous(connection: RedisConnection, runId: string): Rendezvous {
  return {
    async post(topic, memberId, word) {
      const key = rendezvousKey(runId, topic);
      await connection.call((client) =>
        client.multi().hsetnx(key, memberId, word).expire(key, topicTtlSeconds).exec(),
      );
    },
    async read(topic) {
      const words = await connection.call((client) => client.hgetall(rendezvousKey(runId, topic)));
      return new Map(Object.entries(words));
    },
  };
}
