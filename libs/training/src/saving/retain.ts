import { applyRetention } from '@berth/checkpoint';
import { currentAttempt } from './attempt-fence.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/** Deletes what the policy no longer keeps. The checkpoint just written counts as verified: the store checked every part. */
export async function retain(
  options: CheckpointSaverOptions,
  newestVerifiedStep: number,
): Promise<void> {
  const { store, record, logger, onDeleted } = options;
  const now = await currentAttempt(options);
  // Unknown is what people asked to keep: nothing is deleted meanwhile.
  if (now === undefined) return;
  const policy = { ...record.config.train, keptSteps: now.keptSteps };
  const decision = await applyRetention(store, record.runId, policy, {
    newestVerifiedStep,
    logger,
  });
  for (const step of decision.delete) await onDeleted(step);
}
