import {
  branchSchema,
  isBerthError,
  sha256Hex,
  type Branch,
  type LedgerEntry,
  type LedgerSegment,
  type ObjectStore,
} from '@berth/contracts';
import { abandonedManifestKey, branchPrefix, checkpointsPrefix, stepOfKey } from './keys.ts';
import { decodeLedger, encodeLedger } from './ledger-segment.ts';
import { listCheckpoints, readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';

/**
 * Takes the checkpoints after a step out of sight: their manifests move beside the attempt they are of, their parts stay
 * where they are. Interrupted, it leaves a manifest in one or both places, and is to be done again.
 * @returns steps of all checkpoints that this attempt has left behind, oldest first
 * @throws what the store throws
 */
export async function abandonCheckpoints(
  store: ObjectStore,
  runId: string,
  { attempt, afterStep }: { readonly attempt: number; readonly afterStep: number },
): Promise<number[]> {
  const listed = await listCheckpoints(store, runId);
  for (const { step, manifestKey } of listed.reverse()) {
    if (step <= afterStep) break;
    const bytes = await store.get(manifestKey).catch((error: unknown) => {
      if (isDamage(error)) return undefined;
      throw error;
    });
    const key = abandonedManifestKey(runId, attempt, step);
    if (bytes !== undefined) await store.put(key, bytes, { contentType: 'application/json' });
    await store.delete(manifestKey);
  }
  const prefix = branchPrefix(runId, attempt);
  const moved = await store.list(prefix);
  return moved.flatMap(
    ({ key }) => stepOfKey(runId, key.replace(prefix, checkpointsPrefix(runId))) ?? [],
  );
}

/**
 * Stores the entries that a branch is left with, once: whoever does it again, perhaps after Redis has lost some, keeps
 * those stored first.
 * @returns null when there are none
 * @throws what the store throws
 */
export async function storeBranchLedger(
  store: ObjectStore,
  { runId, attempt, askedAtMs }: Pick<Branch, 'runId' | 'attempt' | 'askedAtMs'>,
  entries: readonly LedgerEntry[],
): Promise<LedgerSegment | null> {
  const key = `${branchPrefix(runId, attempt)}ledger-${askedAtMs}.jsonl`;
  const isStored = (await store.head(key)) !== undefined;
  const bytes = isStored ? await store.get(key) : encodeLedger(entries);
  const stored = isStored ? decodeLedger(bytes) : entries;
  const [first, last] = [stored[0], stored.at(-1)];
  if (first === undefined || last === undefined) return null;
  if (!isStored) await store.put(key, bytes, { contentType: 'application/jsonl' });
  const [fromStep, toStep] = [first.step, last.step + 1];
  return { key, fromStep, toStep, sha256: sha256Hex(bytes), sizeBytes: bytes.byteLength };
}

/** Says that a history is cut. @throws what the store throws */
export async function writeBranch(store: ObjectStore, branch: Branch): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(branch, null, 2)}\n`);
  const options = { contentType: 'application/json' };
  await store.put(branchKey(branch.runId, branch.attempt), bytes, options);
}

/** What an attempt left behind; undefined when its history was not cut, or only in part. @throws what the store throws */
export async function readBranch(
  store: ObjectStore,
  runId: string,
  attempt: number,
): Promise<Branch | undefined> {
  try {
    const bytes = await store.get(branchKey(runId, attempt));
    return branchSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    if (isBerthError(error) && error.code === 'STORE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Whether a checkpoint has a manifest, and all that this names, in full size. @throws what the store throws */
export async function isComplete(store: ObjectStore, manifestKey: string): Promise<boolean> {
  try {
    const { shards, ledger } = await readManifest(store, manifestKey);
    const parts = [...shards, ...ledger];
    const found = await Promise.all(parts.map(({ key }) => store.head(key)));
    return parts.every(({ sizeBytes }, index) => found[index]?.sizeBytes === sizeBytes);
  } catch (error) {
    if (isDamage(error)) return false;
    throw error;
  }
}

function branchKey(runId: string, attempt: number): string {
  return `${branchPrefix(runId, attempt)}branch.json`;
}
