import { readJson, relayTrafficSchema, type RelayTraffic } from '@berth/contracts';
import type { RedisConnection } from '../connection/connection.ts';
import { relayKey } from '../connection/keys.ts';

/** What relays say of themselves: for people, and lost without harm. */
export interface RelayNotes {
  /** Said by the relay itself, every second or so. */
  note(relayId: string, traffic: RelayTraffic): Promise<void>;
  /** What it said in the last seconds. */
  read(relayId: string): Promise<RelayTraffic | undefined>;
}

const keptMs = 5_000;

export function createRelayNotes(connection: RedisConnection): RelayNotes {
  return {
    async note(relayId, traffic) {
      const text = JSON.stringify(traffic);
      await connection.call((client) => client.set(relayKey(relayId), text, 'PX', keptMs));
    },
    async read(relayId) {
      const text = await connection.call((client) => client.get(relayKey(relayId)));
      if (text === null) return undefined;
      const reading = readJson(relayTrafficSchema, text);
      return reading.ok ? reading.value : undefined;
    },
  };
}
