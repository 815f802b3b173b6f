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
import { decodeLastEntry, encodeLedger, stepsPerSegment } from './ledger-segment.ts';
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
    const isStored = (await store.head(key)) !== undefined;
    const end = start + stepsPerSegment;
    const bytes = isStored ? await store.get(key) : encodeLedger(await entries(start, end));
    if (bytes.byteLength === 0) return segments;
    if (!isStored) await store.put(key, bytes, { contentType: 'application/jsonl' });
    const toStep = decodeLastEntry(bytes).step + 1;
    const sizeBytes = bytes.byteLength;
    segments.push({ key, fromStep: start, toStep, sha256: sha256Hex(bytes), sizeBytes });
    if (toStep < end) return segments;
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
    return reading.ok ? reading.value : undefined;
  } catch (error) {
    if (isBerthError(error) && error.code === 'STORE_NOT_FOUND') return undefined;
    throw error;
  }
}

const numParallelLooks = 16;

/** Whether a checkpoint has a manifest, and all that this names, in full size. @throws what the store throws */
export async function isComplete(store: ObjectStore, manifestKey: string): Promise<boolean> {
  try {
    const { shards, ledger } = await readManifest(store, manifestKey);
    const parts = [...shards, ...ledger];
    const found = await mapConcurrently(parts, numParallelLooks, ({ key }) => store.head(key));
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
