import {
  branchSchema,
  isBerthError,
  readJson,
  sha256Hex,
  type Branch,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { isInsideRun } from './keys.ts';
import {
  decodeLastEntry,
  encodeLedger,
  maxSegmentBytes,
  stepsPerSegment,
} from './ledger-segment.ts';
import { readManifest } from './manifest.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { branchesPrefix } from './old-layout.ts';
import { isDamage } from './stored-part.ts';

/**
 * Stores the entries that a branch is left with, segment by segment, each once: whoever does it again, perhaps after Redis
 * has lost some, keeps those stored first.
 * @param entries - of the ledger, [fromStep, toStep), as many as there are
 * @throws what the store throws
 */
export async function storeBranchLedger(
  store: ObjectStore,
  {
    runId,
    attempt,
    askedAtMs,
    fromStep,
  }: Pick<Branch, 'runId' | 'attempt' | 'askedAtMs' | 'fromStep'>,
  entries: (fromStep: number, toStep: number) => Promise<readonly LedgerEntry[]>,
): Promise<LedgerSegment[]> {
  const segments: LedgerSegment[] = [];
  for (let start = fromStep; ; start += stepsPerSegment) {
    const key = `${branchPrefix(runId, attempt)}ledger-${askedAtMs}-${start}.jsonl`;
    const end = start + stepsPerSegment;
    const stored = await storedSegment(store, key);
    const bytes = stored ?? encodeLedger(await entries(start, end));
    if (bytes.byteLength === 0) return segments;
    if (!stored) await store.put(key, bytes, { contentType: 'application/jsonl' });
    const toStep = decodeLastEntry(bytes).step + 1;
    const sizeBytes = bytes.byteLength;
    segments.push({ key, fromStep: start, toStep, sha256: sha256Hex(bytes), sizeBytes });
    if (toStep < end) return segments;
  }
}

/** A segment that was stored before; undefined when none was, and when it is damaged. */
async function storedSegment(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await store.get(key, { maxBytes: maxSegmentBytes });
    if (bytes.byteLength > 0) decodeLastEntry(bytes);
    return bytes;
  } catch (error) {
    if (isDamage(error) || (isBerthError(error) && error.code === 'LEDGER_INVALID'))
      return undefined;
    throw error;
  }
}

/** Says that a history is cut. @throws what the store throws */
export async function writeBranch(store: ObjectStore, branch: Branch): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(branch, null, 2)}\n`);
  const options = { contentType: 'application/json' };
  await store.put(branchKey(branch.runId, branch.attempt), bytes, options);
}

/**
 * What an attempt left behind; undefined when its history was not cut, or only in part: what cannot be read is to be written
 * again.
 * @throws what the store throws
 */
export async function readBranch(
  store: ObjectStore,
  runId: string,
  attempt: number,
): Promise<Branch | undefined> {
  try {
    const bytes = await store.get(branchKey(runId, attempt));
    const reading = readJson(branchSchema, Buffer.from(bytes).toString());
    if (!reading.ok) return undefined;
    const { ledger, ...branch } = reading.value;
    const isOwn =
      branch.runId === runId &&
      branch.attempt === attempt &&
      ledger.every(({ key }) => isInsideRun(runId, key));
    return isOwn ? reading.value : undefined;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

const numParallelReads = 16;

/** Whether a checkpoint has a manifest, and all that this names, in full size. @throws what the store throws */
export async function isComplete(store: ObjectStore, manifestKey: string): Promise<boolean> {
  try {
    const { shards, ledger } = await readManifest(store, manifestKey);
    const parts = [...shards, ...ledger];
    const found = await mapConcurrently(parts, numParallelReads, ({ key }) => store.head(key));
    return parts.every(({ sizeBytes }, index) => found[index]?.sizeBytes === sizeBytes);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

function branchKey(runId: string, attempt: number): string {
  return `${branchPrefix(runId, attempt)}branch.json`;
}

function branchPrefix(runId: string, attempt: number): string {
  return `${branchesPrefix(runId)}attempt-${attempt}/`;
}
