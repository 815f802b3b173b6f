import {
  columnOf,
  type ExampleBatch,
  type ModelConfig,
  type ParameterSpec,
} from '@berth/contracts';
import {
  add,
  dispose,
  keep,
  mul,
  scalar,
  stack,
  tidy,
  valueAndGrads,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { uploadBatch, type BatchTensors } from './batch-tensors.ts';
import { encode } from '../bert.ts';
import type { DropoutMasks } from './dropout.ts';
import { concatFlat } from './flat-tensors.ts';
import { namedWeights } from '../parameters/weights.ts';
import type { TaskModel } from '../tasks/task-model.ts';

/** A model with its weights, in layout order. */
export interface Model {
  readonly task: TaskModel;
  readonly config: ModelConfig;
  readonly layout: readonly ParameterSpec[];
  readonly weights: readonly Tensor[];
}

/** Forward and backward over one batch: the flat gradient of the scaled loss, then the step sums. The caller disposes it. */
export function batchGradient(
  model: Model,
  examples: ExampleBatch,
  lossScales: Readonly<Record<string, number>>,
  dropout: DropoutMasks,
): Tensor1D {
  return tidy(() => {
    const batch = uploadBatch(examples);
    const kept: Tensor1D[] = [];
    const scaledLoss = (...weights: Tensor[]) => {
      const sums = sumsOf({ ...model, weights }, batch, examples, dropout);
      kept.push(keep(stepSums(model, sums)));
      return model.task.task.losses
        .map(({ name, sum }) => mul<Scalar>(sums[sum]!, lossScales[name] ?? Number.NaN))
        .reduce((total, term) => add(total, term));
    };
    const { grads } = valueAndGrads(scaledLoss)([...model.weights]);
    const flat = concatFlat([...grads, ...kept]);
    dispose(kept);
    return flat;
  });
}

/** Forward over one batch, nothing dropped: its step sums. The caller disposes them. */
export function batchSums(model: Model, examples: ExampleBatch): Tensor1D {
  return tidy(() => stepSums(model, sumsOf(model, uploadBatch(examples), examples)));
}

/** Forward over one batch, nothing dropped: what the head gives. The caller disposes it. */
export function batchOutputs(model: Model, examples: ExampleBatch): Record<string, Tensor2D> {
  return tidy(() => outputsOf(model, uploadBatch(examples)));
}

function outputsOf(
  { task, config, layout, weights }: Model,
  batch: BatchTensors,
  dropout?: DropoutMasks,
): Record<string, Tensor2D> {
  const named = namedWeights(layout, weights);
  const context = { config, weights: named, batch, ...(dropout && { dropout }) };
  return task.eager.outputs(context, encode(context));
}

/** The step sums that outputs of the head come to for a batch. */
export function outputSums(
  model: Pick<Model, 'task'>,
  outputs: Readonly<Record<string, Tensor2D>>,
  examples: ExampleBatch,
): Tensor1D {
  return tidy(() => stepSums(model, withCounts(model, outputs, uploadBatch(examples), examples)));
}

function sumsOf(
  model: Model,
  batch: BatchTensors,
  examples: ExampleBatch,
  dropout?: DropoutMasks,
): Record<string, Scalar> {
  return withCounts(model, outputsOf(model, batch, dropout), batch, examples);
}

function withCounts(
  { task }: Pick<Model, 'task'>,
  outputs: Readonly<Record<string, Tensor2D>>,
  batch: BatchTensors,
  examples: ExampleBatch,
): Record<string, Scalar> {
  const numTokens = columnOf(examples, 'inputMask');
  return {
    ...task.eager.sums(outputs, batch),
    numExamples: scalar(examples.batchSize),
    numTokens: scalar(Array.from(numTokens).reduce((total, mask) => total + mask, 0)),
  };
}

/** In the task's order. */
function stepSums({ task }: Pick<Model, 'task'>, sums: Readonly<Record<string, Scalar>>): Tensor1D {
  return stack(task.task.sums.map((name) => sums[name]!)) as Tensor1D;
}
