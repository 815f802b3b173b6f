import type { ModelConfig, Task } from '@berth/contracts';
import type { Value } from '@berth/graph';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { ForwardContext } from '../bert.ts';
import type { BatchTensors } from '../eager/batch-tensors.ts';
import type { Gradients } from '../graph/encoder.ts';
import type { StepContext } from '../graph/step-context.ts';
import type { NamedShape } from '../parameters/named-shapes.ts';

/** A task's head and losses, for both engines. */
export interface TaskModel {
  readonly task: Task;
  /** Parameters behind the encoder's, in checkpoint order; the pooler, where there is one, is the first. */
  readonly headShapes: (config: ModelConfig) => readonly NamedShape[];
  /** Of these, the parameters that have a row for each entry of the vocabulary. */
  readonly vocabularyParameters: readonly string[];
  /** Whether what its head reads is dropped too, at `dropoutSites.headInput`. @defaultValue false */
  readonly dropsHeadInput?: boolean;
  /** Whether its head in the graph is given the first token of each example only: nothing else of the last layer is computed. @defaultValue false */
  readonly readsFirstTokens?: boolean;
  readonly eager: EagerHead;
  readonly graph: GraphHead;
}

/** A head as tfjs ops, which differentiates them itself. */
export interface EagerHead {
  /** The outputs by name, such as logits. */
  outputs(context: ForwardContext, sequence_TH: Tensor2D): Record<string, Tensor2D>;
  /** The task's sums, losses unscaled, but for those that all tasks have. */
  sums(outputs: Readonly<Record<string, Tensor2D>>, batch: BatchTensors): Record<string, Scalar>;
}

/** A head in the graph, differentiated by hand. */
export interface GraphHead {
  /** @param hidden_RH - of all tokens, or of first ones */
  forward(context: StepContext, hidden_RH: Value): HeadPass;
}

/** What can be added behind a head's forward pass. */
export interface HeadPass {
  /** The outputs by name, float32. */
  outputs(): Record<string, Value>;
  /** As `EagerHead.sums`. */
  sums(): Record<string, Value>;
  /**
   * Adds the gradients of the head's parameters.
   * @param scales - of the loss terms, by name
   */
  backward(scales: Readonly<Record<string, Value>>, gradients: Gradients): HeadGradient;
}

export interface HeadGradient {
  readonly sums: Record<string, Value>;
  /** Rows of the hidden states it was given that the head has read, each with its gradient; rows may come twice. */
  readonly hidden: readonly { readonly rows: Value; readonly gradient: Value }[];
  /** Of the word table, float32, where the head uses it. */
  readonly words_VH?: Value;
}
