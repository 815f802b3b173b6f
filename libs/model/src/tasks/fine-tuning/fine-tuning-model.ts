// Shapes: R rows that the head reads, H hidden, C outputs.
import { fineTuningTask, labelsOf, type FineTuning } from '@berth/contracts';
import { ops, type BlockBody, type Value } from '@berth/graph';
import { dropHidden } from '../../bert.ts';
import { linearTransposed } from '../../blocks/linear.ts';
import { dropoutSites } from '../../eager/dropout.ts';
import { dropout } from '../../graph/blocks/dropout.ts';
import { sumColumns, widen } from '../../graph/blocks/precision.ts';
import { kernelGradient } from '../../graph/encoder.ts';
import { column, matrix, weight, type StepContext } from '../../graph/step-context.ts';
import type { HeadPass, TaskModel } from '../task-model.ts';
import { classLoss, tagLoss } from './class-loss.ts';
import { classesLoss } from './classes-loss.ts';
import { pooledInput, tokenInput, type HeadInput } from './head-input.ts';
import type { OutputLoss } from './output-loss.ts';
import { spanLoss } from './span-loss.ts';
import { squaredLoss } from './squared-loss.ts';

/** A head of one linear layer. */
interface LinearHead {
  readonly input: HeadInput;
  /** Of the layer's parameters. */
  readonly scope: string;
  readonly numOutputs: number;
  /** Whether its input is dropped in training. */
  readonly drops: boolean;
  readonly loss: OutputLoss;
}

function headOf(fineTuning: FineTuning): LinearHead {
  const numLabels = labelsOf(fineTuning).length;
  const pooled = { input: pooledInput, scope: 'classifier', drops: true } as const;
  switch (fineTuning.kind) {
    case 'classify':
      return { ...pooled, numOutputs: numLabels, loss: classLoss };
    case 'classify-many':
      return { ...pooled, numOutputs: numLabels, loss: classesLoss };
    case 'regress':
      return { ...pooled, numOutputs: 1, loss: squaredLoss };
    case 'tag':
      return { ...pooled, input: tokenInput, numOutputs: numLabels, loss: tagLoss };
    case 'answer':
      return {
        input: tokenInput,
        scope: 'qa_outputs',
        numOutputs: 2,
        drops: false,
        loss: spanLoss,
      };
  }
}

/** BERT with the head of a fine-tuning: those of BERT's own scripts and of transformers (docs/bert.md#fine-tuning). */
export function fineTuningModel(fineTuning: FineTuning): TaskModel {
  const head = headOf(fineTuning);
  const { input, drops, loss } = head;
  const { weights, bias } = namesOf(head);
  return {
    task: fineTuningTask(fineTuning),
    headShapes: (config) => [
      ...input.shapes(config),
      [weights, [head.numOutputs, config.hiddenSize]],
      [bias, [head.numOutputs]],
    ],
    vocabularyParameters: [],
    dropsHeadInput: drops,
    readsFirstTokens: input.isOfFirstTokens,

    eager: {
      outputs(context, sequence_TH) {
        const input_RH = input.eager(context, sequence_TH);
        const site = dropoutSites.headInput(context.config.numLayers);
        const logits = linearTransposed(
          drops ? dropHidden(context, site, input_RH) : input_RH,
          context.weights.matrix(weights),
          context.weights.vector(bias),
        );
        return loss.outputs?.eager(logits, context.batch.batchSize) ?? { logits };
      },
      sums: (outputs, batch) => loss.eager(outputs, batch),
    },

    graph: { forward: (context, hidden_RH) => forward(context, hidden_RH, head) },
  };
}

/** The names of the parameters that give the outputs of a fine-tuning. */
export function outputParameters(fineTuning: FineTuning): readonly string[] {
  return Object.values(namesOf(headOf(fineTuning)));
}

function forward(context: StepContext, hidden_RH: Value, head: LinearHead): HeadPass {
  const { graph, shape, exampleWeights_B } = context;
  const { loss } = head;
  const names = namesOf(head);
  const input = head.input.graph(context, hidden_RH);
  const drop = dropOf(context, head);
  const input_RH = drop(input.input_RH);
  const logits = ops.matMul(input_RH, matrix(context, names.weights), { right: true });
  const bias = weight(context, names.bias);
  const columns = loss.columns.map((name) => column(context, name));
  const args = [logits, bias, exampleWeights_B, ...columns];
  const named = (sums: readonly Value[]): Record<string, Value> =>
    Object.fromEntries(loss.sums.map((name, index) => [name, sums[index]!]));

  return {
    outputs() {
      const all = ops.add(ops.cast(logits, 'float32'), bias);
      return loss.outputs?.graph(all, shape.batchSize) ?? { logits: all };
    },
    sums: () => named(graph.call(`${loss.name}_sums`, lossBlock(head), args)),
    backward(scales, gradients) {
      const inOrder = loss.terms.map((term) => scales[term]!);
      const body = gradientBlock(head, columns.length, context.compute);
      const results = graph.call(loss.name, body, [...args, ...inOrder]);
      const [dLogits, dBias] = results.splice(-2) as [Value, Value];
      gradients.set(names.bias, dBias);
      gradients.set(names.weights, kernelGradient(dLogits, input_RH));
      const dInput_RH = drop(ops.matMul(dLogits, matrix(context, names.weights)));
      return { sums: named(results), hidden: [input.backward(dInput_RH, gradients)] };
    },
  };
}

function namesOf({ scope }: LinearHead): { readonly weights: string; readonly bias: string } {
  return { weights: `${scope}/output_weights`, bias: `${scope}/output_bias` };
}

/** Dropout of what the head reads; of its gradient it is the same. */
function dropOf(context: StepContext, { drops }: LinearHead): (x_RH: Value) => Value {
  const { config, compute, graph } = context;
  const ratio = config.hiddenDropoutRatio;
  const key = drops ? context.keys(dropoutSites.headInput(config.numLayers), ratio) : undefined;
  if (key === undefined) return (x_RH) => x_RH;
  const body: BlockBody = (x: Value, given: Value) => [
    ops.cast(dropout(widen(x), given, ratio), compute),
  ];
  return (x_RH) => graph.call('head_dropout', body, [x_RH, key])[0]!;
}

function lossBlock({ loss }: LinearHead): BlockBody {
  return (logits: Value, bias: Value, exampleWeights_B: Value, ...columns: Value[]) => [
    ...loss.graph(ops.add(widen(logits), bias), columns, exampleWeights_B).sums,
  ];
}

/** Sums, then the gradients of the scaled loss by logits and bias. */
function gradientBlock(
  { loss }: LinearHead,
  numColumns: number,
  compute: StepContext['compute'],
): BlockBody {
  return (logits: Value, bias: Value, exampleWeights_B: Value, ...others: Value[]) => {
    const [columns, scales] = [others.slice(0, numColumns), others.slice(numColumns)];
    const result = loss.graph(ops.add(widen(logits), bias), columns, exampleWeights_B);
    const dLogits = result.gradient_RC(scales);
    return [...result.sums, ops.cast(dLogits, compute), sumColumns(dLogits)];
  };
}
