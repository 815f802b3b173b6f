// Shapes: B examples, S tokens, T = B S, H hidden.
import {
  examplesOf,
  sumsFromVector,
  type ExampleBatch,
  type ModelConfig,
  type Outputs,
  type ParameterSpec,
  type Pooling,
  type StepSums,
  type Task,
} from '@berth/contracts';
import {
  add,
  cast,
  dispose,
  div,
  expandDims,
  mul,
  reshape,
  slice,
  sum,
  tensor,
  tidy,
  type Rank,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import { encode, hiddenStates, pool, type ForwardContext } from '../bert.ts';
import { parameterLayout } from '../parameters/parameter-layout.ts';
import { namedWeights } from '../parameters/weights.ts';
import type { TaskModel } from '../tasks/task-model.ts';
import { uploadBatch } from './batch-tensors.ts';
import { readAndDispose } from './flat-tensors.ts';
import { batchOutputs, outputSums, type Model } from './micro-batch.ts';

export interface ForwardEngineOptions {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  /** The values of a parameter of the layout, asked for once each, in its order; zeros for one that is not there. */
  readonly read: (parameter: ParameterSpec) => Promise<Float32Array>;
}

/** A model to be used, not trained: forward passes op by op, in fp32, nothing dropped, on batches of any shape. */
export interface ForwardEngine {
  readonly task: Task;
  /** The sums of each example of a batch. */
  evaluate(batch: ExampleBatch): StepSums[];
  /** What the task's head gives for a batch. */
  predict(batch: ExampleBatch): Outputs;
  /** One vector of H elements an example, end to end; only the encoder's columns of the batch are read. */
  embed(batch: ExampleBatch, pooling: Pooling): Float32Array;
  dispose(): void;
}

/**
 * Loads a model onto the current tfjs backend, which must be TensorFlow's: a third of what training it takes, as there are no moments.
 * @throws what `read` throws
 */
export async function createForwardEngine(options: ForwardEngineOptions): Promise<ForwardEngine> {
  const { task, model: config, read } = options;
  const layout = parameterLayout(config, task);
  const weights: Tensor[] = [];
  for (const parameter of layout)
    weights.push(tensor(await read(parameter), [...parameter.shape], 'float32'));
  const model: Model = { task, config, layout, weights };

  return {
    task: task.task,
    evaluate: (batch) => {
      const outputs = batchOutputs(model, batch);
      const all = Array.from({ length: batch.batchSize }, (_, example) =>
        sumsFromVector(
          task.task.sums,
          readAndDispose(sumsOfExample(model, batch, outputs, example)),
        ),
      );
      dispose(Object.values(outputs));
      return all;
    },
    predict: (batch) =>
      Object.fromEntries(
        Object.entries(batchOutputs(model, batch)).map(([name, output]) => [
          name,
          readAndDispose(output),
        ]),
      ),
    embed: (batch, pooling) =>
      readAndDispose(
        tidy(() => {
          const context = {
            config,
            weights: namedWeights(layout, weights),
            batch: uploadBatch(batch),
          };
          return pooled(context, pooling);
        }),
      ),
    dispose: () => dispose(weights),
  };
}

/** The head's losses are taken example by example, the encoder and the logits by the batch. */
function sumsOfExample(
  model: Model,
  batch: ExampleBatch,
  outputs: Readonly<Record<string, Tensor2D>>,
  example: number,
): Tensor1D {
  const own = Object.entries(outputs).map(([name, output]) => {
    const numRows = output.shape[0] / batch.batchSize;
    return [name, slice(output, [example * numRows, 0], [numRows, -1])] as const;
  });
  const ofExample = examplesOf(batch, example, example + 1);
  const sums = outputSums(model, Object.fromEntries(own), ofExample);
  dispose(own.map(([, output]) => output));
  return sums;
}

/** How many of the last layers `last-4` takes the mean of. */
const numLastLayers = 4;

/** [B, H] */
function pooled(context: ForwardContext, pooling: Pooling): Tensor2D {
  switch (pooling) {
    case 'pooled':
      return pool(context, encode(context));
    case 'mean':
      return meanOverTokens(context, encode(context));
    case 'last-4': {
      const states = hiddenStates(context).slice(1).slice(-numLastLayers);
      const total = states.reduce((sum_TH, state) => add<Tensor2D>(sum_TH, state));
      return meanOverTokens(context, div(total, states.length));
    }
  }
}

/** Over all tokens, special ones too, but not padding. */
function meanOverTokens({ batch, config }: ForwardContext, hidden_TH: Tensor2D): Tensor2D {
  const { batchSize: B, seqLength: S } = batch;
  const mask_BS = reshape<Rank.R2>(cast(batch.column('inputMask'), 'float32'), [B, S]);
  const hidden_BSH = reshape<Rank.R3>(hidden_TH, [B, S, config.hiddenSize]);
  const totals_BH = sum<Tensor2D>(mul(hidden_BSH, expandDims(mask_BS, 2)), 1);
  return div(totals_BH, sum(mask_BS, 1, true));
}
