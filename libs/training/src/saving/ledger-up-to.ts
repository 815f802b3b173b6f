import { findNewestManifest, uploadLedgerSegment } from '@berth/checkpoint';
import {
  BerthError,
  genesisHead,
  type CheckpointManifest,
  type LedgerSegment,
} from '@berth/contracts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/** The ledger's head at a step, and its entries in segments: those of the newest checkpoint before, and one more. */
export async function ledgerUpTo(
  { store, ledger, record, logger }: CheckpointSaverOptions,
  step: number,
): Promise<Pick<CheckpointManifest, 'ledgerHead' | 'ledger'>> {
  if (step === 0) return { ledgerHead: genesisHead, ledger: [] };
  const before = await findNewestManifest(store, record.runId, { maxStep: step - 1, logger });
  const segments: LedgerSegment[] = [...(before?.manifest.ledger ?? [])];
  const entries = await ledger.entries(before?.manifest.step ?? 0, step);
  const last = entries.at(-1);
  if (last?.step !== step - 1)
    throw new BerthError('LEDGER_BEHIND', `The ledger ends before step ${step}`);
  segments.push(await uploadLedgerSegment(store, record.runId, entries));
  return { ledgerHead: last.head, ledger: segments };
}
