import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisConnection } from './connection.ts';

/** Hints that something can be read now. None may come, so whoever waits for one also looks from time to time. */
export interface Hints {
  /**
   * Returns at the next hint, or at once for one that came since the last call; when the time is over; or on abort.
   * @returns whether there was a hint
   */
  wait(timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** Listens to a pub/sub channel, over outages too. */
export function listenForHints(
  connection: RedisConnection,
  channel: string,
  signal: AbortSignal,
): Hints {
  const client = connection.client.duplicate({
    enableOfflineQueue: true,
    maxRetriesPerRequest: null,
    commandTimeout: undefined,
  });
  let hinted = false;
  let wake = (): void => undefined;
  client.on('error', () => undefined); // Outages are reported by the connection itself.
  client.on('message', () => {
    hinted = true;
    wake();
  });
  client.subscribe(channel).catch(() => undefined);
  return {
    async wait(timeoutMs) {
      const timer = new AbortController();
      const either = AbortSignal.any([signal, timer.signal]);
      wake = () => timer.abort();
      if (!hinted) await sleep(timeoutMs, undefined, { signal: either }).catch(() => undefined);
      const wasHinted = hinted;
      hinted = false;
      return wasHinted;
    },
    close: () => client.disconnect(),
  };
}
