import type { View } from '@berth/contracts';
import { areEqual } from './divergence.ts';

/** What a member holds when a view begins. */
export interface Holding {
  /** Steps applied; -1 for nothing. */
  readonly step: number;
  /** Of the whole state; '' when there is none, or nobody to compare it with. */
  readonly digest: string;
  /** The step at which the members of its view were last found to hold the same; -1 before. */
  readonly agreedStep: number;
}

/** How a view begins: the newest step that its members hold, and where those that lack it get it. */
export type SettlePlan =
  | {
      readonly kind: 'newest';
      /** -1 when nobody holds a step of the ledger. */
      readonly step: number;
      /** Those who hold it. */
      readonly donors: readonly string[];
      /** Of what they give. */
      readonly digest: string;
    }
  /** Those who hold the newest step hold different states. */
  | {
      readonly kind: 'diverged';
      readonly step: number;
      /** By member. */
      readonly digests: ReadonlyMap<string, string>;
      /** The newest step of which all of them know that they agreed. */
      readonly agreedStep: number;
    };

/**
 * Decides from what every member holds. All members compute the same answer.
 * A state ahead of the ledger is worthless: Redis came back with less, and what is not committed did not happen.
 */
export function planSettle(
  holdings: ReadonlyMap<string, Holding>,
  numCommitted: number,
): SettlePlan {
  const members = [...holdings.keys()].sort();
  const usable = (member: string): number => {
    const step = holdings.get(member)?.step ?? -1;
    return step > numCommitted ? -1 : step;
  };
  const step = Math.max(-1, ...members.map(usable));
  if (step < 0) return { kind: 'newest', step, donors: [], digest: '' };
  const donors = members.filter((member) => usable(member) === step);
  const digests = new Map(donors.map((member) => [member, holdings.get(member)?.digest ?? '']));
  if (areEqual(digests))
    return { kind: 'newest', step, donors, digest: digests.get(donors[0] ?? '') ?? '' };
  const agreed = donors.map((member) => holdings.get(member)?.agreedStep ?? -1);
  return { kind: 'diverged', step, digests, agreedStep: Math.min(...agreed) };
}

/** What a member says of what it holds. */
export function holdingValue({ step, digest, agreedStep }: Holding): string {
  return `${step}:${digest}:${agreedStep}`;
}

export function parseHolding(value = ''): Holding {
  const [step, digest = '', agreedStep = '-1'] = value.split(':');
  return { step: Number(step), digest, agreedStep: Number(agreedStep) };
}

/** Key under which the members of a view say what they hold. */
export function settleKey(view: View): string {
  return `settle-${view.fencingEpoch}-${view.version}`;
}

/** Key under which the chooser says what to restore. */
export function restoreKey(view: View): string {
  return `restore-${view.fencingEpoch}-${view.version}`;
}
