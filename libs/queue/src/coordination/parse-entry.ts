import { BerthError, ledgerEntrySchema, readJson, type LedgerEntry } from '@berth/contracts';

/** Reads an entry of a ledger, perhaps of another release. @throws BerthError `LEDGER_INVALID` */
export function parseEntry(text: string): LedgerEntry {
  const reading = readJson(ledgerEntrySchema, text);
  if (reading.ok) return reading.value;
  throw new BerthError('LEDGER_INVALID', `Redis holds an entry that is none: ${reading.problem}`);
}
