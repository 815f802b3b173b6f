import type { Logger, ObjectStore } from '@berth/contracts';
import type { Attempts } from './attempts.ts';
import { placeOfKey } from './keys.ts';
import { listCheckpoints } from './manifest.ts';
import { decideRetention, type RetentionDecision, type RetentionPolicy } from './retention.ts';
import { findSweepableParts } from './unnamed-parts.ts';

export interface RetentionOptions {
  readonly newestVerifiedStep: number | undefined;
  /** As the run's record has them. */
  readonly attempts: Attempts;
  /** Asked before every deletion; throws once the newest of these attempts is not the run's newest any more. */
  readonly fence: () => Promise<unknown>;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Deletes the checkpoints of a run that its policy does not keep, in an order that lets nobody depend on what goes: first
 * their manifests; then, if no other attempt has begun since, their parts that no manifest names. Who begins an attempt
 * writes that down before it looks for checkpoints, so it either finds these manifests gone or keeps their parts.
 * Parts that saves and deletions broken off have left go too, once a manifest has been written long after them.
 * @throws what the fence and the store throw
 */
export async function applyRetention(
  store: ObjectStore,
  runId: string,
  policy: RetentionPolicy,
  { newestVerifiedStep, attempts, fence, logger, signal }: RetentionOptions,
): Promise<RetentionDecision> {
  const listed = (await listCheckpoints(store, runId, attempts)).filter(
    // What lies in the old layout may be another line's.
    ({ manifestKey }) => placeOfKey(runId, manifestKey) !== undefined,
  );
  const steps = [...new Set(listed.map(({ step }) => step))];
  const decision = decideRetention(steps, policy, newestVerifiedStep);
  const deleted = new Set<string>();
  for (const step of decision.delete) {
    for (const { manifestKey } of listed.filter((one) => one.step === step)) {
      await fence();
      await store.delete(manifestKey, signal && { signal });
      deleted.add(manifestKey);
    }
    logger.info('Deleted a checkpoint', { runId, step, reason: decision.reasons.get(step) });
  }
  await fence();
  for (const { key } of await findSweepableParts(store, runId, deleted)) {
    await fence();
    await store.delete(key, signal && { signal });
  }
  return decision;
}
