// Shapes: R rows, C outputs, B examples.
import type { Value } from '@berth/graph';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import type { BatchTensors } from '../../eager/batch-tensors.ts';

/** What the outputs of a head come to, in both engines. */
export interface OutputLoss {
  /** Of its blocks in the graph; stands for all that they depend on besides their arguments. */
  readonly name: string;
  /** Columns of the batch that it reads. */
  readonly columns: readonly string[];
  /** Terms of the loss, in the order of their scales. */
  readonly terms: readonly string[];
  /** The task's sums, but for those that all tasks have, in the order in which the graph has them. */
  readonly sums: readonly string[];
  /** How its logits are handed out. @defaultValue all of them, as `logits` */
  readonly outputs?: {
    eager(logits_RC: Tensor2D, batchSize: number): Record<string, Tensor2D>;
    graph(logits_RC: Value, batchSize: number): Record<string, Value>;
  };
  eager(outputs: Readonly<Record<string, Tensor2D>>, batch: BatchTensors): Record<string, Scalar>;
  /**
   * The same inside a block.
   * @param exampleWeights_B - 1 for real examples, 0 for those that fill up the batch
   */
  graph(logits_RC: Value, columns: readonly Value[], exampleWeights_B: Value): GraphLoss;
}

export interface GraphLoss {
  /** In the order of their names. */
  readonly sums: readonly Value[];
  /** Of the scaled loss by the logits, float32. */
  gradient_RC(scales: readonly Value[]): Value;
}
