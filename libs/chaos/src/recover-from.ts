import { BerthError, type LedgerEntry } from '@berth/contracts';
import { commitFault, holders, needsTwoMembers, type FaultTimes } from './commit-fault.ts';
import type { FaultKind, PlannedFault } from './plan.ts';
import type { RunWatch } from './run-watch.ts';
import type { Testbed } from './testbed.ts';

/** A fault as it happened. */
export interface FaultReport {
  readonly kind: FaultKind;
  readonly atStep: number;
  /** From the fault, or from the end of an outage, to the next step committed without the victim. */
  readonly recoveredMs: number;
}

/**
 * Does a fault to a run as soon as somebody could go on without the victim, and waits until the run has recovered.
 * @returns undefined when the run is over before that
 * @throws BerthError `RUN_FAILED` when it does not recover
 */
export async function recoverFrom(
  fault: PlannedFault,
  testbed: Testbed,
  watch: RunWatch,
  times: FaultTimes,
): Promise<FaultReport | undefined> {
  const { kind } = fault;
  await watch.until(
    () => watch.isOver || canBeDone(kind, testbed, watch),
    'a second worker that holds the weights',
  );
  if (watch.isOver) return undefined;
  const atStep = watch.numCommitted;
  const { sinceMs, isRecovery, tookMs } = await commitFault(fault, testbed, watch, times);
  // A step that was committed under a clock set forward comes back with its time when the ledger is restored.
  const isSince = ({ committedAtMs }: LedgerEntry): boolean =>
    committedAtMs >= sinceMs && committedAtMs <= Date.now();
  const committedMs = await watch.commit((entry) => isSince(entry) && isRecovery(entry));
  if (committedMs !== null) return { kind, atStep, recoveredMs: tookMs ?? committedMs - sinceMs };
  if (watch.isOver) return undefined;
  throw new BerthError('RUN_FAILED', `${kind} at step ${atStep}: no step was committed since`);
}

/** Whether somebody could go on without the victim. */
export function canBeDone(kind: FaultKind, { cluster }: Testbed, watch: RunWatch): boolean {
  return !needsTwoMembers.has(kind) || holders(cluster.workers(), watch).length > 1;
}
