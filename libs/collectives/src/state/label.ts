import type { StateLabel } from '../connections/control.ts';

/** The label alone, of a message that carries one. */
export function labelOf({ runId, fencingEpoch, viewVersion, step }: StateLabel): StateLabel {
  return { runId, fencingEpoch, viewVersion, step };
}

export function isSameState(a: StateLabel, b: StateLabel): boolean {
  return a.runId === b.runId && a.step === b.step && compareAttempts(a, b) === 0;
}

/** Negative if `a` belongs to an older view than `b`. */
export function compareAttempts(
  a: Pick<StateLabel, 'fencingEpoch' | 'viewVersion'>,
  b: Pick<StateLabel, 'fencingEpoch' | 'viewVersion'>,
): number {
  return a.fencingEpoch - b.fencingEpoch || a.viewVersion - b.viewVersion;
}

/** For people. */
export function describeState({ runId, fencingEpoch, viewVersion, step }: StateLabel): string {
  return `run ${runId} after ${step} steps in view ${viewVersion} (epoch ${fencingEpoch})`;
}
