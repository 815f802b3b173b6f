// Shapes: B examples, H hidden.
import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import { kernelGradient, type Gradients } from '../graph/encoder.ts';
import { callBlock, matrix, weight, type StepContext } from '../graph/step-context.ts';
import { denseShapes, type NamedShape } from '../parameters/named-shapes.ts';
import type { HeadGradient } from '../tasks/task-model.ts';

const kernelName = 'bert/pooler/dense/kernel';
const biasName = 'bert/pooler/dense/bias';

/** The pooler's parameters, which stand before all others of a head. */
export function poolerShapes({ hiddenSize: H }: ModelConfig): readonly NamedShape[] {
  return denseShapes('bert/pooler/dense', H, H);
}

/** The pooler's forward pass in the graph. */
export interface PoolerPass {
  readonly pooled_BH: Value;
  /** Adds the gradients of its parameters; gives that of the rows that it has read. */
  backward(dPooled_BH: Value, gradients: Gradients): HeadGradient['hidden'][number];
}

/** tanh(dense) of each example's first token. */
export function poolerForward(context: StepContext, hidden_TH: Value): PoolerPass {
  const { graph, shape } = context;
  const rows = ops.mul(ops.range(graph, shape.batchSize), shape.maxSeqLength);
  const first_BH = ops.gatherRows(hidden_TH, rows);
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
      const gradient = ops.matMul(dInput_BH, matrix(context, kernelName), { right: true });
      return { rows, gradient };
    },
  };
}
