import { add, div, mul, sqrt, sub } from '@tensorflow/tfjs-core';
import { nextMoments } from './moments.ts';
import type { UpdateRule } from './update-rule.ts';

/**
 * AdamWeightDecayOptimizer of the BERT release: no bias correction, epsilon outside the root, decay added to the update
 * (docs/bert.md#optimizer).
 */
export const adamwUpdate: UpdateRule = (state, gradient, { config, learningRate, decayed }) => {
  const { firstMoment, secondMoment } = nextMoments(state, gradient, config);
  const direction = div(firstMoment, add(sqrt(secondMoment), config.epsilon));
  const update = decayed ? add(direction, mul(state.weight, config.weightDecay)) : direction;
  return { weight: sub(state.weight, mul(update, learningRate)), firstMoment, secondMoment };
};
