import type { OptimizerConfig } from '@berth/contracts';
import type { Tensor } from '@tensorflow/tfjs-core';

/** One parameter with its moments, all of the parameter's shape. */
export interface ParameterState {
  readonly weight: Tensor;
  readonly firstMoment: Tensor;
  readonly secondMoment: Tensor;
}

/** What an update of one parameter needs besides its state. */
export interface UpdateContext {
  readonly config: OptimizerConfig;
  /** Updates done before this one. */
  readonly step: number;
  readonly learningRate: number;
  /** False for biases and layer norms. */
  readonly decayed: boolean;
}

/** New state from the old one and the clipped gradient; pure, so run it inside `tidy`. */
export type UpdateRule = (
  state: ParameterState,
  gradient: Tensor,
  context: UpdateContext,
) => ParameterState;
