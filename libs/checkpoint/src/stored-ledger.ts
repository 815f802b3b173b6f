import {
  isBerthError,
  type CheckpointManifest,
  type LedgerEntry,
  type ObjectStore,
  type StoredLedger,
} from '@berth/contracts';
import { decodeLastEntry, decodeLedger, maxSegmentBytes } from './ledger-segment.ts';
import { corrupt, readPart } from './stored-part.ts';

/**
 * The ledger of a checkpoint, one segment in memory at a time. Its entries are proven to be those that were stored, to be
 * consecutive, and to lead to the manifest's step, cursor and head; that they chain is left to who takes them.
 * Reading throws BerthError `CHECKPOINT_CORRUPT`, and what the store throws.
 */
export function storedLedger(store: ObjectStore, manifest: CheckpointManifest): StoredLedger {
  return {
    numSteps: manifest.step,
    head: manifest.ledgerHead,
    async *entries(fromStep) {
      requireSegments(store, manifest);
      let step = fromStep;
      for (const segment of manifest.ledger) {
        if (segment.toStep <= fromStep) continue;
        const bytes = await readPart(store, segment, { maxBytes: maxSegmentBytes });
        try {
          for await (const page of decodeLedger(bytes)) {
            const wanted = page.filter((entry) => entry.step >= fromStep);
            for (const entry of wanted) if (entry.step !== step++) throw misfit(store, manifest);
            const last = wanted.at(-1);
            if (last?.step === manifest.step - 1) requireEnd(store, manifest, last);
            if (wanted.length > 0) yield wanted;
          }
        } catch (error) {
          throw asDamage(store, segment.key, error);
        }
        if (step !== segment.toStep) throw misfit(store, manifest);
      }
    },
  };
}

/**
 * Proves of a checkpoint's ledger what takes no time that grows with the run: that segments for all steps are named, and
 * that the last one is as it was stored and leads to the manifest's step, cursor and head.
 * @throws BerthError `CHECKPOINT_CORRUPT`, and what the store throws
 */
export async function checkLedgerEnd(
  store: ObjectStore,
  manifest: CheckpointManifest,
  signal?: AbortSignal,
): Promise<void> {
  requireSegments(store, manifest);
  const last = manifest.ledger.at(-1);
  if (last === undefined) return;
  const bytes = await readPart(store, last, { maxBytes: maxSegmentBytes, signal });
  try {
    requireEnd(store, manifest, decodeLastEntry(bytes));
  } catch (error) {
    throw asDamage(store, last.key, error);
  }
}

function requireSegments(store: ObjectStore, manifest: CheckpointManifest): void {
  let step = 0;
  for (const { fromStep, toStep } of manifest.ledger) {
    if (fromStep !== step || toStep <= fromStep) throw misfit(store, manifest);
    step = toStep;
  }
  if (step !== manifest.step) throw misfit(store, manifest);
}

function requireEnd(store: ObjectStore, manifest: CheckpointManifest, last: LedgerEntry): void {
  const { step, ledgerHead, cursor } = manifest;
  const fits =
    last.step === step - 1 &&
    last.head === ledgerHead &&
    last.to.epoch === cursor.epoch &&
    last.to.index === cursor.index;
  if (!fits) throw misfit(store, manifest);
}

function misfit(store: ObjectStore, { runId, step }: CheckpointManifest): Error {
  const why = `its entries do not lead to step ${step} as the manifest says`;
  return corrupt(store, `ledger of run ${runId}`, why);
}

function asDamage(store: ObjectStore, key: string, error: unknown): unknown {
  const isInvalid = isBerthError(error) && error.code === 'LEDGER_INVALID';
  return isInvalid ? corrupt(store, key, 'it is not a ledger', error) : error;
}
