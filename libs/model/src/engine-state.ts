import {
  BerthError,
  type GradientRequest,
  type ModelConfig,
  type ParameterSpec,
  type TrainingState,
} from '@berth/contracts';
import { initialWeights } from './parameters/initialize.ts';
import { numParametersOf } from './parameters/parameter-layout.ts';

/** What a run starts from: weights from the seed, no moments, step 0. */
export function initialState(
  layout: readonly ParameterSpec[],
  model: ModelConfig,
  seed: number,
): TrainingState {
  const numParameters = numParametersOf(layout);
  return {
    step: 0,
    weights: initialWeights(layout, model, seed),
    firstMoments: new Float32Array(numParameters),
    secondMoments: new Float32Array(numParameters),
  };
}

/** @throws BerthError `INTERNAL` unless the ranks are those of the block, in order */
export function checkRanks({ block, ranks }: GradientRequest): void {
  const inPlace = ranks.every(({ virtualRank }, index) => virtualRank === block.start + index);
  if (inPlace && ranks.length === block.length) return;
  throw new BerthError(
    'INTERNAL',
    `virtual ranks ${ranks.map(({ virtualRank }) => virtualRank).join(', ')} were given for the block ` +
      `[${block.start}, ${block.start + block.length})`,
  );
}
