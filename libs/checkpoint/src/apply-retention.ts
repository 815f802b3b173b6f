import type { CheckpointManifest, Logger, ObjectStore } from '@berth/contracts';
import { manifestKey, stepPrefix } from './keys.ts';
import { listCheckpoints, readManifest } from './manifest.ts';
import { isDamage } from './stored-part.ts';
import { decideRetention, type RetentionDecision, type RetentionPolicy } from './retention.ts';

/**
 * Deletes the checkpoints of a run that its policy does not keep: of each the manifest first, so that it stops existing at once,
 * then its parts that no remaining manifest names. Interrupted, it leaves parts without a manifest, never the reverse.
 * @throws what the store throws
 */
export async function applyRetention(
  store: ObjectStore,
  runId: string,
  policy: RetentionPolicy,
  options: { readonly newestVerifiedStep: number | undefined; readonly logger: Logger },
): Promise<RetentionDecision> {
  const steps = (await listCheckpoints(store, runId)).map(({ step }) => step);
  const decision = decideRetention(steps, policy, options.newestVerifiedStep);
  if (decision.delete.length === 0) return decision;

  const needed = new Set<string>();
  for (const step of decision.keep) {
    for (const key of partKeys(await readIfSound(store, runId, step))) needed.add(key);
  }
  for (const step of decision.delete) {
    const parts = new Set(partKeys(await readIfSound(store, runId, step)));
    await store.delete(manifestKey(runId, step));
    for (const { key } of await store.list(stepPrefix(runId, step))) parts.add(key);
    for (const key of parts) if (!needed.has(key)) await store.delete(key);
    options.logger.info('deleted a checkpoint', {
      runId,
      step,
      reason: decision.reasons.get(step),
    });
  }
  return decision;
}

/** A damaged manifest names nothing. */
async function readIfSound(
  store: ObjectStore,
  runId: string,
  step: number,
): Promise<CheckpointManifest | undefined> {
  try {
    return await readManifest(store, manifestKey(runId, step));
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}

function partKeys(manifest: CheckpointManifest | undefined): string[] {
  if (!manifest) return [];
  return [...manifest.shards, ...manifest.ledger].map(({ key }) => key);
}
