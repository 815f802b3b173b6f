// Shapes: B examples, H hidden.
import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import { kernelGradient, type Gradients } from '../graph/encoder.ts';
import { callBlock, matrix, weight, type StepContext } from '../graph/step-context.ts';
import { denseShapes, type NamedShape } from '../parameters/named-shapes.ts';

const kernelName = 'bert/pooler/dense/kernel';
const biasName = 'bert/pooler/dense/bias';

/** The pooler's parameters, which stand before all others of a head. */
export function poolerShapes({ hiddenSize: H }: ModelConfig): readonly NamedShape[] {
  return denseShapes('bert/pooler/dense', H, H);
}

/** The pooler's forward pass in the graph. */
export interface PoolerPass {
  readonly pooled_BH: Value;
  /** Adds the gradients of its parameters; gives that of what it has read. */
  backward(dPooled_BH: Value, gradients: Gradients): Value;
}

/** tanh(dense) of each example's first token. */
export function poolerForward(context: StepContext, first_BH: Value): PoolerPass {
  const input_BH = ops.matMul(first_BH, matrix(context, kernelName));
  const bias = weight(context, biasName);
  const [pooled_BH] = callBlock(context, 'pooler_forward', input_BH, bias) as [Value];
  return {
    pooled_BH,
    backward(dPooled_BH, gradients) {
      const args = [dPooled_BH, pooled_BH];
      const [dInput_BH, dBias] = callBlock(context, 'pooler_backward', ...args) as [Value, Value];
      gradients.set(biasName, dBias);
      gradients.set(kernelName, kernelGradient(first_BH, dInput_BH));
      return ops.matMul(dInput_BH, matrix(context, kernelName), { right: true });
    },
  };
}
