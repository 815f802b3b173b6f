import type { OptimizerConfig } from '@berth/contracts';

/** What a learning rate depends on. */
export type ScheduleConfig = Pick<OptimizerConfig, 'learningRate' | 'numWarmupSteps' | 'schedule'>;

/**
 * The learning rate of the update after `step` updates (docs/bert.md#learning-rate). Warm-up grows linearly from 0, so with
 * warm-up the first update only moves the moments. Then `google` decays to 0 at `numSteps` counted from step 0, with a
 * small fall where warm-up ends; `linear` from the end of warm-up; `constant` stays.
 */
export function learningRateAt(config: ScheduleConfig, numSteps: number, step: number): number {
  const { learningRate, numWarmupSteps, schedule } = config;
  if (step < numWarmupSteps) return (learningRate * step) / numWarmupSteps;
  if (schedule === 'constant') return learningRate;
  const stepsLeft = Math.max(0, numSteps - step);
  const decaySteps = schedule === 'google' ? numSteps : numSteps - numWarmupSteps;
  return stepsLeft === 0 ? 0 : (learningRate * stepsLeft) / decaySteps;
}
