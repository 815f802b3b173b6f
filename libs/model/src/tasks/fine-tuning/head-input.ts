// Shapes: R rows that a head reads, T = B S tokens, H hidden.
import type { ModelConfig } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { pool, type ForwardContext } from '../../bert.ts';
import type { Gradients } from '../../graph/encoder.ts';
import type { StepContext } from '../../graph/step-context.ts';
import { poolerForward, poolerShapes } from '../../heads/pooler.ts';
import type { NamedShape } from '../../parameters/named-shapes.ts';
import type { HeadGradient } from '../task-model.ts';

/** What a head computes its outputs from. */
export interface HeadInput {
  shapes(config: ModelConfig): readonly NamedShape[];
  eager(context: ForwardContext, sequence_TH: Tensor2D): Tensor2D;
  graph(context: StepContext, hidden_TH: Value): HeadInputPass;
}

export interface HeadInputPass {
  readonly input_RH: Value;
  backward(dInput_RH: Value, gradients: Gradients): HeadGradient['hidden'][number];
}

/** A row an example: its first token, pooled. */
export const pooledInput: HeadInput = {
  shapes: poolerShapes,
  eager: pool,
  graph(context, hidden_TH) {
    const pooler = poolerForward(context, hidden_TH);
    return {
      input_RH: pooler.pooled_BH,
      backward: (dInput_RH, gradients) => pooler.backward(dInput_RH, gradients),
    };
  },
};

/** A row a token; such models have no pooler. */
export const tokenInput: HeadInput = {
  shapes: () => [],
  eager: (_context, sequence_TH) => sequence_TH,
  graph: ({ graph }, hidden_TH) => ({
    input_RH: hidden_TH,
    backward: (gradient) => ({ rows: ops.range(graph, hidden_TH.shape[0] ?? 0), gradient }),
  }),
};
