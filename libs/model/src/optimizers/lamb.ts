import {
  add,
  div,
  greater,
  logicalAnd,
  mul,
  onesLike,
  sqrt,
  square,
  sub,
  sum,
  where,
  type Tensor,
} from '@tensorflow/tfjs-core';
import { nextMoments } from './moments.ts';
import type { UpdateRule } from './update-rule.ts';

/**
 * LAMB (You et al., arXiv 1904.00962): Adam with bias correction and decay, each tensor's update scaled to the length
 * |w| / |update| (1 where either is 0). Biases and layer norms are neither decayed nor scaled.
 */
export const lambUpdate: UpdateRule = (state, gradient, context) => {
  const { config, step, learningRate, decayed } = context;
  const { firstMoment, secondMoment } = nextMoments(state, gradient, config);
  const correctedFirst = div(firstMoment, 1 - config.beta1 ** (step + 1));
  const correctedSecond = div(secondMoment, 1 - config.beta2 ** (step + 1));
  const direction = div(correctedFirst, add(sqrt(correctedSecond), config.epsilon));
  const update = decayed ? decayAndScale(state.weight, direction, config.weightDecay) : direction;
  return { weight: sub(state.weight, mul(update, learningRate)), firstMoment, secondMoment };
};

function decayAndScale(weight: Tensor, direction: Tensor, weightDecay: number): Tensor {
  const update = add(direction, mul(weight, weightDecay));
  return mul(update, trustRatio(norm(weight), norm(update)));
}

function trustRatio(weightNorm: Tensor, updateNorm: Tensor): Tensor {
  const bothPositive = logicalAnd(greater(weightNorm, 0), greater(updateNorm, 0));
  return where(bothPositive, div(weightNorm, updateNorm), onesLike(weightNorm));
}

function norm(values: Tensor): Tensor {
  return sqrt(sum(square(values)));
}
