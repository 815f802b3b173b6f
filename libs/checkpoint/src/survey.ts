import type { CheckpointManifest, ObjectInfo, ObjectStore } from '@berth/contracts';
import { checkpointsPrefix, ledgerPrefix, manifestKey, stepOfKey } from './keys.ts';
import { readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';

/** A checkpoint as a look at the store's listing shows it; that its bytes are right only loading it proves. */
export interface SurveyedCheckpoint {
  readonly step: number;
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
 * The checkpoints of a run, oldest first, also those that cannot be used.
 * @param cache - is filled, and freed of what is gone
 * @throws what the store throws
 */
export async function surveyCheckpoints(
  store: ObjectStore,
  runId: string,
  cache: ManifestCache = new Map(),
): Promise<SurveyedCheckpoint[]> {
  const [objects, segments] = await Promise.all([
    store.list(checkpointsPrefix(runId)),
    store.list(ledgerPrefix(runId)),
  ]);
  const sizes = new Map([...objects, ...segments].map(({ key, sizeBytes }) => [key, sizeBytes]));
  const bySteps = new Map<number, ObjectInfo[]>();
  for (const object of objects) {
    const step = stepOfKey(runId, object.key);
    if (step === undefined) continue;
    bySteps.set(step, [...(bySteps.get(step) ?? []), object]);
  }
  const present = new Set<string>();
  const surveyed: SurveyedCheckpoint[] = [];
  for (const [step, parts] of [...bySteps].sort(([a], [b]) => a - b)) {
    const key = manifestKey(runId, step);
    if (sizes.has(key)) present.add(key);
    const manifest = sizes.has(key) ? await cachedManifest(store, key, cache) : undefined;
    surveyed.push({
      step,
      manifestKey: key,
      manifest,
      validity: sizes.has(key) ? validityOf(manifest, sizes) : 'incomplete',
      sizeBytes: sum(manifest?.shards ?? parts),
      numParts: manifest?.shards.length ?? parts.filter((part) => part.key !== key).length,
      lastModifiedMs: Math.max(...parts.map(({ lastModifiedMs }) => lastModifiedMs)),
    });
  }
  for (const key of cache.keys()) if (!present.has(key)) cache.delete(key);
  return surveyed;
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
  sizes: ReadonlyMap<string, number>,
): 'complete' | 'corrupt' {
  if (manifest === undefined) return 'corrupt';
  const parts = [...manifest.shards, ...manifest.ledger];
  return parts.every(({ key, sizeBytes }) => sizes.get(key) === sizeBytes) ? 'complete' : 'corrupt';
}

function sum(parts: readonly { readonly sizeBytes: number }[]): number {
  return parts.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
