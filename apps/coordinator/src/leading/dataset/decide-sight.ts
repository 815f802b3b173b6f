import type { MemberInfo } from '@berth/contracts';

export interface SightState {
  /** Workers that live. */
  readonly workers: readonly Pick<MemberInfo, 'memberId' | 'hostname'>[];
  /** Those that have looked and do not see the corpus, by member id, with how that showed. */
  readonly blind: ReadonlyMap<string, string>;
  /** Somebody has seen it. */
  readonly isListed: boolean;
  /** What is under way reads its files. */
  readonly readsFiles: boolean;
  /** Its text is stored for those that do not see it. */
  readonly keepsText: boolean;
  readonly allBlindForMs: number;
}

export interface SightDecision {
  /** `keepText`: who sees the corpus stores its text for the others. */
  readonly kind: 'goOn' | 'keepText' | 'fail';
  readonly areAllBlind: boolean;
  /** For people; '' where all is well. */
  readonly reason: string;
}

/** Whoever saw the corpus may be starting anew. */
const patienceMs = 60_000;

/**
 * What follows from who sees the corpus. Where nobody ever has and all workers have looked, nobody will. Where some do and others do
 * not, its text is stored once, while it is read anyway. Where nobody is left who does, that is waited for.
 */
export function decideSight(state: SightState): SightDecision {
  const { workers, blind, isListed, readsFiles, keepsText, allBlindForMs } = state;
  const unseeing = workers.filter(({ memberId }) => blind.has(memberId));
  const areAllBlind = readsFiles && workers.length > 0 && unseeing.length === workers.length;
  if (unseeing.length === 0 || !readsFiles) return { kind: 'goOn', areAllBlind, reason: '' };
  const problem = blind.get(unseeing[0]!.memberId) ?? '';
  const hosts = [...new Set(unseeing.map(({ hostname }) => hostname))];
  if (areAllBlind && (!isListed || allBlindForMs >= patienceMs)) {
    const where = hosts.length > 1 ? ` (looked for on ${hosts.join(', ')})` : '';
    return { kind: 'fail', areAllBlind, reason: `${problem}${where}` };
  }
  if (areAllBlind)
    return {
      kind: 'goOn',
      areAllBlind,
      reason: `no worker is left that sees the corpus: ${problem}`,
    };
  return keepsText
    ? { kind: 'goOn', areAllBlind, reason: '' }
    : { kind: isListed ? 'keepText' : 'goOn', areAllBlind, reason: '' };
}
