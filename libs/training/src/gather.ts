import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/contracts';
import type { RendezvousPort } from './ports.ts';

/**
 * Waits for the words of all members under a topic.
 * @throws BerthError `COLLECTIVE_TIMEOUT` naming the members that said nothing
 */
export async function gather(
  rendezvous: RendezvousPort,
  topic: string,
  members: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, string>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (let pollMs = 5; ; pollMs = Math.min(50, pollMs * 2)) {
    signal?.throwIfAborted();
    const words = await rendezvous.read(topic);
    const missing = members.filter((member) => !words.has(member));
    if (missing.length === 0) return words;
    if (performance.now() > deadlineMs)
      throw new BerthError(
        'COLLECTIVE_TIMEOUT',
        `${topic}: nothing from ${missing.join(', ')} within ${timeoutMs} ms`,
        { details: { missing: missing.join(',') } },
      );
    await sleep(pollMs);
  }
}
