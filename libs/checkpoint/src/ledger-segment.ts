import {
  BerthError,
  ledgerEntrySchema,
  sha256Hex,
  type CheckpointManifest,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { ledgerSegmentKey } from './keys.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { corrupt, readPart } from './stored-part.ts';

const numParallelReads = 4;

/** Ledger entries as JSON lines. */
export function encodeLedger(entries: readonly LedgerEntry[]): Uint8Array {
  return Buffer.from(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
}

/** Reads JSON lines back. @throws BerthError `LEDGER_INVALID` naming the line */
export function decodeLedger(bytes: Uint8Array): LedgerEntry[] {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString()
    .split('\n');
  if (lines.pop() !== '') throw invalid(lines.length + 1, 'the last line does not end');
  return lines.map((line, index) => {
    try {
      return ledgerEntrySchema.parse(JSON.parse(line));
    } catch (error) {
      throw invalid(index + 1, 'it is not a ledger entry', error);
    }
  });
}

/** Stores consecutive entries for manifests to name. Storing the same entries again changes nothing. */
export async function uploadLedgerSegment(
  store: ObjectStore,
  runId: string,
  entries: readonly LedgerEntry[],
  options: { readonly signal?: AbortSignal } = {},
): Promise<LedgerSegment> {
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) throw new RangeError('a ledger segment has at least one entry');
  const bytes = encodeLedger(entries);
  const facts = { fromStep: first.step, toStep: last.step + 1, sha256: sha256Hex(bytes) };
  const key = ledgerSegmentKey(runId, facts);
  await store.put(key, bytes, { ...options, contentType: 'application/jsonl' });
  return { ...facts, key, sizeBytes: bytes.byteLength };
}

/**
 * The entries a manifest names, in order, proven to be consecutive, to lead to its step and cursor, and to end in its head.
 * @throws BerthError `CHECKPOINT_CORRUPT`, and what the store throws
 */
export async function readLedger(
  store: ObjectStore,
  manifest: CheckpointManifest,
  signal?: AbortSignal,
): Promise<LedgerEntry[]> {
  const segments = await mapConcurrently(
    manifest.ledger,
    numParallelReads,
    async (segment, siblings) => {
      const bytes = await readPart(store, segment, siblings);
      try {
        return decodeLedger(bytes);
      } catch (error) {
        throw corrupt(store, segment.key, 'it is not a ledger', error);
      }
    },
    signal,
  );
  const entries = segments.flat();
  const last = entries.at(-1);
  if (!last) return entries;
  const first = manifest.step - entries.length;
  const { cursor } = manifest;
  const fits =
    entries.every(({ step }, index) => step === first + index) &&
    last.head === manifest.ledgerHead &&
    last.to.epoch === cursor.epoch &&
    last.to.index === cursor.index;
  if (fits) return entries;
  throw corrupt(
    store,
    `ledger of run ${manifest.runId}`,
    `its entries do not lead to step ${manifest.step} as the manifest says`,
  );
}

function invalid(line: number, why: string, cause?: unknown): BerthError {
  return new BerthError('LEDGER_INVALID', `Ledger line ${line}: ${why}.`, { cause });
}
