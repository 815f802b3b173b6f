import type { OptimizerConfig } from '@berth/contracts';
import { add, mul, square, type Tensor } from '@tensorflow/tfjs-core';
import type { ParameterState } from './update-rule.ts';

/** Exponential means of the gradient and of its square, not corrected for bias. */
export function nextMoments(
  { firstMoment, secondMoment }: ParameterState,
  gradient: Tensor,
  { beta1, beta2 }: OptimizerConfig,
): Pick<ParameterState, 'firstMoment' | 'secondMoment'> {
  return {
    firstMoment: add(mul(firstMoment, beta1), mul(gradient, 1 - beta1)),
    secondMoment: add(mul(secondMoment, beta2), mul(square(gradient), 1 - beta2)),
  };
}
