import type { ObjectInfo, ObjectStore } from '@berth/contracts';
import { attemptsPrefix, manifestKey, placeOfKey } from './keys.ts';
import { manifestsAmong, readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';

/** A part of a checkpoint that no manifest names. */
export interface UnnamedPart extends ObjectInfo {
  /** Key of the manifest that it was written for. */
  readonly manifestKey: string;
}

/** Parts of a run that no manifest names, and what is known of the time. */
export interface UnnamedParts {
  readonly parts: readonly UnnamedPart[];
  /** When the newest manifest was stored, by the store's clock. */
  readonly newestManifestMs: number;
}

/**
 * What saves and deletions that were broken off have left of a run's checkpoints, and what a save under way has stored so
 * far. A part whose own manifest is there is not looked for: it goes when that does.
 * @throws what the store throws
 */
export async function findUnnamedParts(store: ObjectStore, runId: string): Promise<UnnamedParts> {
  const objects = await store.list(attemptsPrefix(runId));
  const manifests = manifestsAmong(objects, runId, []);
  const manifestKeys = new Set(manifests.map((one) => one.manifestKey));
  const candidates = objects.flatMap((object): UnnamedPart[] => {
    const place = placeOfKey(runId, object.key);
    if (place === undefined || place.isManifest) return [];
    const own = manifestKey(place, place.step);
    return manifestKeys.has(own) ? [] : [{ ...object, manifestKey: own }];
  });
  const newestManifestMs = Math.max(...manifests.map(({ savedAtMs }) => savedAtMs));
  if (candidates.length === 0) return { parts: [], newestManifestMs };
  const named = new Set<string>();
  for (const key of manifestKeys) for (const part of await partKeys(store, key)) named.add(part);
  return { parts: candidates.filter(({ key }) => !named.has(key)), newestManifestMs };
}

/**
 * Longer than any save goes on beside one that was begun after it. A save that is even slower loses a checkpoint that is
 * not the newest.
 */
const unfinishedMs = 600_000;

/** Parts that nobody will name any more: a manifest was stored long after them. @throws what the store throws */
export async function findSweepableParts(
  store: ObjectStore,
  runId: string,
  deletedManifests: ReadonlySet<string> = new Set(),
): Promise<UnnamedPart[]> {
  const { parts, newestManifestMs } = await findUnnamedParts(store, runId);
  return parts.filter(
    ({ manifestKey, lastModifiedMs }) =>
      deletedManifests.has(manifestKey) || lastModifiedMs < newestManifestMs - unfinishedMs,
  );
}

/** Deletes those parts of a run that no manifest names and that `isLeft` says nobody will name. @throws what the store throws */
export async function sweepUnnamedParts(
  store: ObjectStore,
  runId: string,
  isLeft: (part: UnnamedPart) => boolean,
): Promise<void> {
  const { parts } = await findUnnamedParts(store, runId);
  for (const part of parts) if (isLeft(part)) await store.delete(part.key);
}

/** A damaged manifest names nothing. */
async function partKeys(store: ObjectStore, key: string): Promise<string[]> {
  try {
    const { shards, ledger } = await readManifest(store, key);
    return [...shards, ...ledger].map((part) => part.key);
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}
