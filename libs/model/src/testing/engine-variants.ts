import {
  sumsFromVector,
  tasks,
  type GradientRequest,
  type StepSums,
  type TrainingEngine,
  type AllReduceDtype,
} from '@berth/contracts';
import type { EngineOptions } from '../eager/eager-engine.ts';
import { pretrainingModel } from '../tasks/pretraining/pretraining-model.ts';
import { goldenOptimizer, microConfig } from './golden.ts';

export interface EngineVariant {
  readonly optimizer?: 'adamw' | 'lamb';
  readonly dropoutRatio?: number;
  readonly allReduceDtype?: AllReduceDtype;
}

/** The golden model's options. */
export function optionsOf({
  optimizer = 'adamw',
  dropoutRatio = 0,
  allReduceDtype = 'fp32',
}: EngineVariant): EngineOptions & {
  readonly train: { readonly numSteps: number; readonly virtualRanks: number };
} {
  return {
    task: pretrainingModel,
    model: {
      ...microConfig,
      hiddenDropoutRatio: dropoutRatio,
      attentionDropoutRatio: dropoutRatio,
    },
    optimizer: goldenOptimizer(optimizer),
    train: { numSteps: 10, virtualRanks: 4 },
    seed: 12_345,
    precision: 'fp32',
    allReduceDtype,
  };
}

export const dropping: EngineVariant = { dropoutRatio: 0.3 };
/** The parts of a flat gradient. */
export function splitGradient(
  { numParameters }: TrainingEngine,
  flat: Float32Array,
): { readonly gradient: Float32Array; readonly sums: StepSums } {
  return {
    gradient: flat.subarray(0, numParameters),
    sums: sumsFromVector(tasks.pretraining.sums, flat, numParameters),
  };
}

/** The loss that a request scales sums to. */
export function lossOf(sums: StepSums, { lossScales }: GradientRequest): number {
  return tasks.pretraining.losses.reduce(
    (total, { name, sum }) => total + sums[sum]! * lossScales[name]!,
    0,
  );
}
