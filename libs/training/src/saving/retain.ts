import { applyRetention } from '@berth/checkpoint';
import { BerthError, milestonesOf } from '@berth/contracts';
import { bestCheckpoint } from '@berth/protocol';
import { currentAttempt } from './attempt-fence.ts';
import type { CheckpointSaverOptions } from './saver-options.ts';

/**
 * Deletes what the policy no longer keeps. The checkpoint just written counts as verified: all members held that
 * state, and the store checked every part.
 */
export async function retain(
  options: CheckpointSaverOptions,
  newestVerifiedStep: number,
  signal: AbortSignal,
): Promise<void> {
  const { store, record, logger, onDeleted } = options;
  let known: readonly number[] | undefined;
  const fence = async () => {
    signal.throwIfAborted();
    const now = await currentAttempt(options);
    if (now !== undefined) {
      known ??= now.keptSteps;
      if (String(now.keptSteps) === String(known)) return now;
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `Somebody has pinned or unpinned a checkpoint of run "${record.runId}": what goes is decided anew at the next save`,
      );
    }
    throw new BerthError(
      'QUEUE_UNREACHABLE',
      `Redis does not know run "${record.runId}": nothing is deleted until it does`,
    );
  };
  const now = await fence();
  const { keptSteps, attempts } = now;
  const resumedFromStep = attempts.at(-1)?.wentBackTo;
  const policy = {
    ...record.config.train,
    keptSteps,
    bestOf: (steps: readonly number[]) => bestCheckpoint(now, steps)?.step,
    milestones: milestonesOf(record.config),
    ...(resumedFromStep !== undefined && { resumedFromStep }),
  };
  const decision = await applyRetention(store, record.runId, policy, {
    newestVerifiedStep,
    attempts,
    fence,
    logger,
    signal,
  });
  for (const step of decision.delete) await onDeleted(step);
}
