import type { LedgerEntry } from '@berth/contracts';
import {
  LedgerVerifier,
  type LedgerReport,
  type VerifyLedgerOptions,
} from '../ledger/verify-ledger.ts';

/** Verifies entries that are all there. */
export function verifyLedger(
  entries: readonly LedgerEntry[],
  options: VerifyLedgerOptions,
): LedgerReport {
  const verifier = new LedgerVerifier(options);
  verifier.add(entries);
  return verifier.report();
}
