import { errorFromWire, type View } from '@berth/contracts';
import { gather } from '../gather.ts';
import type { RendezvousPort } from '../ports.ts';
import { areEqual, stateDiverged } from '../protocol/divergence.ts';

/** Under which members say which state they save. */
export function digestTopicOf(view: View, step: number): string {
  return `state-${view.fencingEpoch}-${view.version}-${step}`;
}

/**
 * Waits for the digests of what the members of a view save.
 * @returns the members that are known to save the same; one that says nothing has gone, and its part is for others to do
 * @throws BerthError `STATE_DIVERGED` unless all that speak save the same
 */
export async function agreeOn(
  { rendezvous, view, step, digest }: Saving,
  patience: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string[]> {
  const topic = digestTopicOf(view, step);
  const members = view.members.map(({ memberId }) => memberId);
  const words = await gather(rendezvous, topic, members, patience).catch(() =>
    rendezvous.read(topic),
  );
  const digests = new Map([...words].filter(([, word]) => word !== ''));
  if (!areEqual(digests)) throw errorFromWire(stateDiverged(step, 'the state to save', digests));
  return [...digests].flatMap(([member, word]) => (word === digest ? [member] : []));
}

interface Saving {
  readonly rendezvous: RendezvousPort;
  readonly view: View;
  readonly step: number;
  /** Of our own. */
  readonly digest: string;
}
