import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError, type View } from '@berth/contracts';
import type { RendezvousPort } from './ports.ts';

/** How a view begins: the step all members start from, and where those that lack it get it. */
export type SettlePlan =
  | { readonly kind: 'peers'; readonly step: number; readonly donors: readonly string[] }
  | { readonly kind: 'restore'; readonly chooser: string };

/**
 * Decides from what every member holds (steps applied; -1 for nothing). All members compute the same answer.
 * A state ahead of the ledger is worthless: Redis came back with less, and what is not committed did not happen.
 */
export function planSettle(
  heldSteps: ReadonlyMap<string, number>,
  numCommitted: number,
): SettlePlan {
  const members = [...heldSteps.keys()].sort();
  const usable = (member: string): number => {
    const step = heldSteps.get(member) ?? -1;
    return step > numCommitted ? -1 : step;
  };
  const step = Math.max(-1, ...members.map(usable));
  if (step < 0) return { kind: 'restore', chooser: members[0] ?? '' };
  return { kind: 'peers', step, donors: members.filter((member) => usable(member) === step) };
}

/**
 * Posts our word under a topic and waits for everyone's.
 * @throws BerthError `COLLECTIVE_TIMEOUT` naming the members that said nothing
 */
export async function gather(
  rendezvous: RendezvousPort,
  topic: string,
  { self, members, word }: { self?: string; members: readonly string[]; word?: string },
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, string>> {
  if (self !== undefined && word !== undefined) await rendezvous.post(topic, self, word);
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

/** Topic under which the members of a view say what they hold. */
export function settleTopic(view: View): string {
  return `settle-${view.fencingEpoch}-${view.version}`;
}

/** Topic under which the chooser says what to restore. */
export function restoreTopic(view: View): string {
  return `restore-${view.fencingEpoch}-${view.version}`;
}
