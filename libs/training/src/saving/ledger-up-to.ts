import {
  findNewestManifest,
  fullSegments,
  stepsPerSegment,
  uploadLedgerSegment,
  type Line,
} from '@berth/checkpoint';
import { BerthError, genesisHead, type CheckpointManifest } from '@berth/contracts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/**
 * The ledger's head at a step, and its entries in segments: the full ones of the newest checkpoint before, and what comes
 * after them, so that neither segments nor their number grow with how often a run saves.
 */
export async function ledgerUpTo(
  { store, ledger, record, logger }: CheckpointSaverOptions,
  line: Line,
  step: number,
): Promise<Pick<CheckpointManifest, 'ledgerHead' | 'ledger'>> {
  const { runId, attempts } = record;
  const before = await findNewestManifest(store, runId, { maxStep: step - 1, attempts, logger });
  const segments = [...fullSegments(before?.manifest.ledger ?? [])];
  let ledgerHead = genesisHead;
  let fromStep = segments.at(-1)?.toStep ?? 0;
  while (fromStep < step) {
    const toStep = Math.min(step, fromStep + stepsPerSegment);
    const entries = await ledger.entries(fromStep, toStep);
    const last = entries.at(-1);
    if (last?.step !== toStep - 1)
      throw new BerthError('LEDGER_BEHIND', `The ledger ends before step ${step}`);
    segments.push(await uploadLedgerSegment(store, line, step, entries));
    ledgerHead = last.head;
    fromStep = toStep;
  }
  return { ledgerHead, ledger: segments };
}
