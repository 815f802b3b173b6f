import type { CheckpointManifest, ObjectInfo, ObjectStore } from '@berth/contracts';
import { isOnLine, type Attempts } from './attempts.ts';
import { attemptsPrefix, manifestKey, placeOfKey } from './keys.ts';
import { manifestsAmong, readManifest } from './manifest.ts';
import { branchesPrefix, oldCheckpointsPrefix, oldLedgerPrefix } from './old-layout.ts';
import { isDamage } from './stored-part.ts';

/** A checkpoint as a look at the store's listing shows it; that its bytes are right only loading it proves. */
export interface SurveyedCheckpoint {
  readonly step: number;
  /** The attempt that made it. */
  readonly attempt: number;
  /** True when a later attempt went back to an earlier step. */
  readonly isLeftBehind: boolean;
  readonly manifestKey: string;
  /** Undefined while it is being written, and when it is no manifest. */
  readonly manifest: CheckpointManifest | undefined;
  /** `incomplete`: it has no manifest; `corrupt`: a part is missing or has another size, or the manifest is none. */
  readonly validity: 'complete' | 'incomplete' | 'corrupt';
  readonly sizeBytes: number;
  readonly numParts: number;
  readonly lastModifiedMs: number;
}

/** Manifests by key; they never change. */
export type ManifestCache = Map<string, CheckpointManifest>;

/**
 * The checkpoints of a run, oldest first, also those that cannot be used and those that attempts have left behind. Of
 * several of one step on the run's line the first that is complete is shown.
 * @param attempts - as the run's record has them
 * @param cache - is filled, and freed of what is gone
 * @throws what the store throws
 */
export async function surveyCheckpoints(
  store: ObjectStore,
  runId: string,
  attempts: Attempts,
  cache: ManifestCache = new Map(),
): Promise<SurveyedCheckpoint[]> {
  const prefixes = [attemptsPrefix, oldCheckpointsPrefix, oldLedgerPrefix, branchesPrefix];
  const objects = (await Promise.all(prefixes.map((of) => store.list(of(runId))))).flat();
  const listed = new Map(objects.map((one) => [one.key, one]));
  for (const key of cache.keys()) if (!listed.has(key)) cache.delete(key);

  const surveyed: SurveyedCheckpoint[] = [];
  const named = new Set<string>();
  for (const found of manifestsAmong(objects, runId, attempts)) {
    const manifest = await cachedManifest(store, found.manifestKey, cache);
    const parts = manifest === undefined ? [] : [...manifest.shards, ...manifest.ledger];
    for (const { key } of parts) named.add(key);
    surveyed.push({
      ...found,
      isLeftBehind: !isOnLine(attempts, found),
      manifest,
      validity: validityOf(manifest, listed),
      sizeBytes: sum(manifest?.shards ?? []),
      numParts: manifest?.shards.length ?? 0,
      lastModifiedMs: found.savedAtMs,
    });
  }
  for (const found of unfinished(runId, objects, named))
    surveyed.push({ ...found, isLeftBehind: !isOnLine(attempts, found) });
  return firstOfEach(surveyed.sort((a, b) => a.step - b.step || rank(a) - rank(b)));
}

/** Parts that no manifest names, by the manifest that they were written for. */
function unfinished(
  runId: string,
  objects: readonly ObjectInfo[],
  named: ReadonlySet<string>,
): Omit<SurveyedCheckpoint, 'isLeftBehind'>[] {
  const keys = new Set(objects.map(({ key }) => key));
  const found = new Map<string, Omit<SurveyedCheckpoint, 'isLeftBehind'>>();
  for (const { key, sizeBytes, lastModifiedMs } of objects) {
    const place = placeOfKey(runId, key);
    if (place === undefined || named.has(key)) continue;
    const own = manifestKey(place, place.step);
    if (keys.has(own)) continue;
    const before = found.get(own);
    found.set(own, {
      step: place.step,
      attempt: place.attempt,
      manifestKey: own,
      manifest: undefined,
      validity: 'incomplete',
      sizeBytes: (before?.sizeBytes ?? 0) + sizeBytes,
      numParts: (before?.numParts ?? 0) + 1,
      lastModifiedMs: Math.max(before?.lastModifiedMs ?? 0, lastModifiedMs),
    });
  }
  return [...found.values()];
}

function rank({ validity }: SurveyedCheckpoint): number {
  return { complete: 0, corrupt: 1, incomplete: 2 }[validity];
}

/** One checkpoint of each step of the line, and of each step of every attempt left behind. */
function firstOfEach(surveyed: readonly SurveyedCheckpoint[]): SurveyedCheckpoint[] {
  const names = new Set<string>();
  return surveyed.filter(({ step, attempt, isLeftBehind }) => {
    const name = isLeftBehind ? `${step} of ${attempt}` : String(step);
    const isFirst = !names.has(name);
    names.add(name);
    return isFirst;
  });
}

async function cachedManifest(
  store: ObjectStore,
  key: string,
  cache: ManifestCache,
): Promise<CheckpointManifest | undefined> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  try {
    const manifest = await readManifest(store, key);
    cache.set(key, manifest);
    return manifest;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function validityOf(
  manifest: CheckpointManifest | undefined,
  listed: ReadonlyMap<string, ObjectInfo>,
): 'complete' | 'corrupt' {
  if (manifest === undefined) return 'corrupt';
  const parts = [...manifest.shards, ...manifest.ledger];
  return parts.every(({ key, sizeBytes }) => listed.get(key)?.sizeBytes === sizeBytes)
    ? 'complete'
    : 'corrupt';
}

function sum(parts: readonly { readonly sizeBytes: number }[]): number {
  return parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
