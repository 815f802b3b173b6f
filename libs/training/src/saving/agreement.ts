import { BerthError, errorFromWire, type View } from '@berth/contracts';
import { gather } from '../gather.ts';
import type { RendezvousPort } from '../ports.ts';
import { areEqual, stateDiverged } from '@berth/protocol';

/** Under which members say which state they save. */
export function digestKeyOf(view: View, step: number): string {
  return `state-${view.fencingEpoch}-${view.version}-${step}`;
}

/**
 * Waits for the digests of what the members of a view save.
 * @returns the members that are known to save the same; one that says nothing has gone, and its part is for others to do
 * @throws BerthError `STATE_DIVERGED` unless all that speak save the same, `COLLECTIVE_TIMEOUT` unless most of the view
 * speak: a state that nobody contradicts may be a damaged one
 */
export async function agreeOn(
  { rendezvous, view, step, digest }: Saving,
  patience: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<string[]> {
  const key = digestKeyOf(view, step);
  const members = view.members.map(({ memberId }) => memberId);
  const values = await gather(rendezvous, key, members, patience).catch(() => rendezvous.read(key));
  const digests = new Map([...values].filter(([, value]) => value !== ''));
  if (!areEqual(digests)) throw errorFromWire(stateDiverged(step, 'the state to save', digests));
  if (2 * digests.size <= members.length) throw tooFew(step, members, digests);
  return [...digests].flatMap(([member, value]) => (value === digest ? [member] : []));
}

function tooFew(
  step: number,
  members: readonly string[],
  digests: ReadonlyMap<string, string>,
): BerthError {
  const missing = members.filter((member) => !digests.has(member)).join(', ');
  const message = `Step ${step}: nothing from ${missing} about the state to save; most of ${members.join(', ')} must have the same`;
  return new BerthError('COLLECTIVE_TIMEOUT', message, { details: { missing, step } });
}

interface Saving {
  readonly rendezvous: RendezvousPort;
  readonly view: View;
  readonly step: number;
  /** Of our own. */
  readonly digest: string;
}
