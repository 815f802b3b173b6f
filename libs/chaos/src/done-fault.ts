import type { LedgerEntry } from '@berth/contracts';

/** A fault that has been done, and how to tell that the run has recovered from it. */
export interface DoneFault {
  /** From then on recovery counts: the fault, or the end of an outage. By the clock of the machine. */
  readonly sinceMs: number;
  readonly isRecovery: (entry: LedgerEntry) => boolean;
  /** Time to recovery where it shows in no commit: training goes on without a coordinator. */
  readonly tookMs?: number;
}
