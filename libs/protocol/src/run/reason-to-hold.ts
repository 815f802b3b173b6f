import { durationText } from '../lifecycle/texts.ts';
import type { RunRules, RunSnapshot } from './run-state.ts';

/**
 * Why nobody is to train for now: the bucket has taken no checkpoint for too long, and with each step there would be more to
 * make again. Undefined when training may go on.
 */
export function reasonToHold(
  { live, runId }: Pick<RunSnapshot, 'live' | 'runId'>,
  { maxUnsavedMs = 0 }: Pick<RunRules, 'maxUnsavedMs'>,
): string | undefined {
  if (maxUnsavedMs === 0) return undefined;
  const late = live
    .flatMap(({ memberId, runId: of, saving }) =>
      of === runId && saving !== undefined ? [{ memberId, ...saving }] : [],
    )
    .sort((a, b) => b.forMs - a.forMs)[0];
  if (late === undefined || late.forMs <= maxUnsavedMs) return undefined;
  const { step, spooledStep, memberId } = late;
  const where = spooledStep === undefined ? 'in the memory' : 'on the disk';
  return (
    `training waits until a checkpoint is saved, and then goes on by itself: the bucket has taken none for ` +
    `${durationText(late.forMs)} (train.maxUnsavedMs is ${durationText(maxUnsavedMs)}); step ${spooledStep ?? step} is ${where} of ${memberId}`
  );
}
