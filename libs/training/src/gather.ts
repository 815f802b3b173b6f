import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/contracts';
import type { RendezvousPort } from './ports.ts';

/**
 * Waits for the values of all members under a key.
 * @throws BerthError `COLLECTIVE_TIMEOUT` naming the members that said nothing
 */
export async function gather(
  rendezvous: RendezvousPort,
  key: string,
  members: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, string>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pollMs = 5; ; pollMs = Math.min(50, pollMs * 2)) {
    signal?.throwIfAborted();
    const values = await rendezvous.read(key);
    const missing = members.filter((member) => !values.has(member));
    if (missing.length === 0) return values;
    if (performance.now() > deadlineMs)
      throw new BerthError(
        'COLLECTIVE_TIMEOUT',
        `${key}: nothing from ${missing.join(', ')} within ${timeoutMs} ms`,
        { details: { missing: missing.join(',') } },
      );
    await sleep(pollMs);
  }
}
