import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRelay, reachableAt, type Endpoint } from '@berth/collectives';
import {
  BerthError,
  errorToWire,
  type Logger,
  type RelayAddress,
  type RelayTraffic,
} from '@berth/contracts';
import { createRelayNotes, type RedisConnection } from '@berth/queue';

/** How a coordinator relays between workers. */
export interface RelaySettings {
  /** What they prove to each other. */
  readonly secret: string;
  /** Where it listens. */
  readonly host: string;
  /** Zero: any free one. */
  readonly port: number;
  /** Where workers dial, if that is elsewhere. */
  readonly advertise: Endpoint | undefined;
}

export interface StartRelayOptions {
  readonly coordinatorId: string;
  readonly connection: RedisConnection;
  /** Undefined where it relays nothing. */
  readonly settings: RelaySettings | undefined;
  readonly logger: Logger;
}

/** A relay that listens. */
export interface RunningRelay {
  /** As views name it. */
  readonly address: RelayAddress;
  readonly traffic: () => RelayTraffic;
  close(): Promise<void>;
}

const noteEveryMs = 1_000;

/**
 * Starts the relay of this coordinator, which says in Redis what passes: whoever is asked may be another.
 * @returns undefined where there is none
 * @throws BerthError `CONFIG_INVALID` when the port cannot be had
 */
export async function startRelay(options: StartRelayOptions): Promise<RunningRelay | undefined> {
  const { coordinatorId, connection, settings, logger } = options;
  if (settings === undefined) {
    logger.info('Relays nothing between workers that dial out only: BERTH_SECRET is not set');
    return undefined;
  }
  const { advertise, ...place } = settings;
  const relay = createRelay({ ...place, relayId: coordinatorId, logger });
  const listening = await relay.listen().catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError(
      'CONFIG_INVALID',
      `The relay cannot listen on ${place.host}:${place.port}: ${reason}; set BERTH_RELAY_HOST and BERTH_RELAY_PORT`,
      { cause },
    );
  });
  const at = advertise ?? reachableAt(listening, networkInterfaces());
  logger.info('Relays between workers that dial out only', { ...at });
  const ending = new AbortController();
  const notes = createRelayNotes(connection);
  const noting = (async () => {
    while (!ending.signal.aborted) {
      await notes
        .note(coordinatorId, relay.traffic)
        .catch((error: unknown) => logger.debug('Not noted', { error: errorToWire(error) }));
      await sleep(noteEveryMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  })();
  return {
    address: { memberId: coordinatorId, ...at },
    traffic: () => relay.traffic,
    async close() {
      ending.abort();
      await noting;
      await relay.close();
    },
  };
}
