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
  /** Whether it is nothing but first tokens; all tokens otherwise. */
  readonly isOfFirstTokens: boolean;
  shapes(config: ModelConfig): readonly NamedShape[];
  eager(context: ForwardContext, sequence_TH: Tensor2D): Tensor2D;
  graph(context: StepContext, hidden_RH: Value): HeadInputPass;
}

export interface HeadInputPass {
  readonly input_RH: Value;
  backward(dInput_RH: Value, gradients: Gradients): HeadGradient['hidden'][number];
}

/** A row an example: its first token, pooled. */
export const pooledInput: HeadInput = {
  isOfFirstTokens: true,
  shapes: poolerShapes,
  eager: pool,
  graph(context, first_BH) {
    const pooler = poolerForward(context, first_BH);
    return {
      input_RH: pooler.pooled_BH,
      backward: (dInput_RH, gradients) => everyRow(first_BH, pooler.backward(dInput_RH, gradients)),
    };
  },
};

/** A row a token; such models have no pooler. */
export const tokenInput: HeadInput = {
  isOfFirstTokens: false,
  shapes: () => [],
  eager: (_context, sequence_TH) => sequence_TH,
  graph: (_context, hidden_TH) => ({
    input_RH: hidden_TH,
    backward: (gradient) => everyRow(hidden_TH, gradient),
  }),
};

function everyRow({ scope, shape }: Value, gradient: Value): HeadGradient['hidden'][number] {
  return { rows: ops.range(scope, shape[0] ?? 0), gradient };
}
