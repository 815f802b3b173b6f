import type { CheckpointManifest, ObjectInfo, ObjectStore } from '@berth/contracts';
import {
  abandonedOfKey,
  branchesPrefix,
  checkpointsPrefix,
  ledgerPrefix,
  manifestKey,
  stepOfKey,
} from './keys.ts';
import { readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';

/** A checkpoint as a look at the store's listing shows it; that its bytes are right only loading it proves. */
export interface SurveyedCheckpoint {
  readonly step: number;
  /** The attempt that a resume from an older checkpoint cut off before this step. */
  readonly abandonedAttempt: number | undefined;
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
 * The checkpoints of a run, oldest first, also those that cannot be used and those that attempts have left behind.
 * @param cache - is filled, and freed of what is gone
 * @throws what the store throws
 */
export async function surveyCheckpoints(
  store: ObjectStore,
  runId: string,
  cache: ManifestCache = new Map(),
): Promise<SurveyedCheckpoint[]> {
  const prefixes = [checkpointsPrefix(runId), ledgerPrefix(runId), branchesPrefix(runId)];
  const [objects = [], segments = [], branches = []] = await Promise.all(
    prefixes.map((prefix) => store.list(prefix)),
  );
  const listed = new Map([...objects, ...segments, ...branches].map((one) => [one.key, one]));
  for (const key of cache.keys()) if (!listed.has(key)) cache.delete(key);

  const surveyed: SurveyedCheckpoint[] = [];
  const partsOfBranches = new Set<string>();
  for (const { key, lastModifiedMs } of branches) {
    const place = abandonedOfKey(runId, key);
    if (place === undefined) continue;
    const manifest = await cachedManifest(store, key, cache);
    for (const shard of manifest?.shards ?? []) partsOfBranches.add(shard.key);
    surveyed.push({
      step: place.step,
      abandonedAttempt: place.attempt,
      manifestKey: key,
      manifest,
      validity: validityOf(manifest, listed),
      sizeBytes: sum(manifest?.shards ?? []),
      numParts: manifest?.shards.length ?? 0,
      lastModifiedMs,
    });
  }
  for (const [step, found] of byStep(runId, objects)) {
    const key = manifestKey(runId, step);
    const hasManifest = listed.has(key);
    const parts = found.filter((part) => part.key !== key);
    // What only a branch names is no checkpoint that is being written.
    if (!hasManifest && parts.every((part) => partsOfBranches.has(part.key))) continue;
    const manifest = hasManifest ? await cachedManifest(store, key, cache) : undefined;
    surveyed.push({
      step,
      abandonedAttempt: undefined,
      manifestKey: key,
      manifest,
      validity: hasManifest ? validityOf(manifest, listed) : 'incomplete',
      sizeBytes: sum(manifest?.shards ?? found),
      numParts: manifest?.shards.length ?? parts.length,
      lastModifiedMs: Math.max(...found.map(({ lastModifiedMs }) => lastModifiedMs)),
    });
  }
  return surveyed.sort((a, b) => a.step - b.step);
}

function byStep(runId: string, objects: readonly ObjectInfo[]): Map<number, ObjectInfo[]> {
  const steps = new Map<number, ObjectInfo[]>();
  for (const object of objects) {
    const step = stepOfKey(runId, object.key);
    if (step !== undefined) steps.set(step, [...(steps.get(step) ?? []), object]);
  }
  return steps;
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
