import type { ErrorCode, MemberInfo, Unseen } from '@berth/contracts';

export interface SightState {
  /** Workers that live. */
  readonly workers: readonly Pick<MemberInfo, 'memberId' | 'hostname'>[];
  /** Those that have looked and do not see the corpus, by member id, with how that showed. */
  readonly blind: ReadonlyMap<string, Unseen>;
  /** Somebody has seen it. */
  readonly isListed: boolean;
  /** What is under way reads its files. */
  readonly readsFiles: boolean;
  /** Its text is stored for those that do not see it. */
  readonly keepsText: boolean;
  readonly allBlindForMs: number;
  /** How often it was listed because nobody saw it as it had been listed before. */
  readonly numListedAgain: number;
}

export type SightDecision = {
  readonly areAllBlind: boolean;
  /** For people; '' where all is well. */
  readonly reason: string;
} & (
  | {
      /** `keepText`: who sees the corpus stores its text for the others; `listAgain`: nobody sees it as it was listed. */
      readonly kind: 'goOn' | 'keepText' | 'listAgain';
    }
  | { readonly kind: 'fail'; readonly code: ErrorCode }
);

/** Whoever saw the corpus may be starting anew. */
const patienceMs = 60_000;
/** What changes more often while it is read is being written. */
const maxListedAgain = 8;

/**
 * What follows from who sees the corpus. Where nobody ever has and all workers have looked, nobody will. Where some do and others do
 * not, its text is stored once, while it is read anyway. Where nobody is left who does, that is waited for; unless there are files that
 * only are not what was listed: then what is there is listed, as what a dataset is depends on bytes and not on times of change.
 */
export function decideSight(state: SightState): SightDecision {
  const { workers, blind, isListed, readsFiles, keepsText, allBlindForMs, numListedAgain } = state;
  // Who has other files has not looked since they are to be listed again.
  const unseeing = workers.filter(
    ({ memberId }) => blind.has(memberId) && (isListed || blind.get(memberId)?.isChanged === false),
  );
  const areAllBlind = readsFiles && workers.length > 0 && unseeing.length === workers.length;
  if (unseeing.length === 0 || !readsFiles) return { kind: 'goOn', areAllBlind, reason: '' };
  const changed = unseeing.find(({ memberId }) => blind.get(memberId)?.isChanged === true);
  const problem = blind.get((changed ?? unseeing[0]!).memberId)?.problem ?? '';
  const hosts = [...new Set(unseeing.map(({ hostname }) => hostname))];
  if (areAllBlind && isListed && changed !== undefined)
    return numListedAgain < maxListedAgain
      ? { kind: 'listAgain', areAllBlind, reason: `listing the corpus again: ${problem}` }
      : {
          kind: 'fail',
          code: 'DATA_CORPUS_CHANGED',
          areAllBlind,
          reason: `${problem}; it was listed ${numListedAgain + 1} times: start again when nothing writes to it any more`,
        };
  if (areAllBlind && (!isListed || allBlindForMs >= patienceMs)) {
    const where = hosts.length > 1 || isListed ? ` (looked for on ${hosts.join(', ')})` : '';
    return {
      kind: 'fail',
      code: 'DATA_CORPUS_NOT_FOUND',
      areAllBlind,
      reason: `${problem}${where}`,
    };
  }
  if (areAllBlind)
    return {
      kind: 'goOn',
      areAllBlind,
      reason: `no worker is left that sees the corpus (looked for on ${hosts.join(', ')}): ${problem}`,
    };
  return keepsText
    ? { kind: 'goOn', areAllBlind, reason: '' }
    : { kind: isListed ? 'keepText' : 'goOn', areAllBlind, reason: '' };
}
