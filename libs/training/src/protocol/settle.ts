import type { View } from '@berth/contracts';

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

/** Topic under which the members of a view say what they hold. */
export function settleTopic(view: View): string {
  return `settle-${view.fencingEpoch}-${view.version}`;
}

/** Topic under which the chooser says what to restore. */
export function restoreTopic(view: View): string {
  return `restore-${view.fencingEpoch}-${view.version}`;
}
