// Shapes: B examples, S tokens, T = B S, H hidden.
import type { Task } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';
import type { HeadPass, TaskModel } from '../tasks/task-model.ts';
import { embed, embedBackward, type Embedded } from './embeddings.ts';
import {
  layerBackward,
  layerForward,
  type Gradients,
  type HiddenGradient,
  type LayerForward,
} from './encoder.ts';
import { attentionMask, sequencesOf, type Sequences } from './sequences.ts';
import { column, type StepContext } from './step-context.ts';

export interface Evaluation {
  /** Of the head, by name. */
  readonly outputs: Record<string, Value>;
  /** In the task's order. */
  readonly sums: Value;
}

export interface Backward {
  /** Of the scaled loss, by the graph's parameter names, float32. */
  readonly gradients: Gradients;
  /** In the task's order. */
  readonly sums: Value;
}

/** What a backward pass has come to. */
export interface KnownGradients {
  readonly gradients: Gradients;
  /** In the task's order; made when they are asked for. */
  readonly sums: () => Value;
}

interface Forward {
  readonly sequences: Sequences | undefined;
  readonly embedded: Embedded;
  readonly layers: readonly LayerForward[];
  /** What the head reads: of all tokens, or of first ones. */
  readonly hidden_RH: Value;
  readonly head: HeadPass;
}

/** A forward pass with what the task makes of it. */
export function evaluationPass(context: StepContext, model: TaskModel): Evaluation {
  const { head } = forward(context, model);
  return { outputs: head.outputs(), sums: stepSums(context, model.task, head.sums()) };
}

/**
 * Forward and backward of one micro-batch, by hand: the same sums and gradients as the eager engine's automatic ones.
 * @param scales - of the loss terms, by name
 * @param onGradients - told what is known after the head and after each layer; the layers before wait for the nodes it gives,
 * since TensorFlow would leave what nothing waits for to the end
 */
export function gradientPass(
  context: StepContext,
  model: TaskModel,
  scales: Readonly<Record<string, Value>>,
  onGradients: (known: KnownGradients) => readonly Value[] = () => [],
): Backward {
  const { sequences, embedded, layers, head, hidden_RH } = forward(context, model);
  const gradients: Gradients = new Map();
  const { hidden, words_VH, sums: ofTask } = head.backward(scales, gradients);
  let made: Value | undefined;
  const sums = (): Value => (made ??= stepSums(context, model.task, ofTask));
  const known = { gradients, sums };
  const read = (pick: (part: (typeof hidden)[number]) => Value): Value =>
    ops.concat(hidden.map(pick), 0);
  const dHidden = ops.sumRowsByNumber(
    ops.cast(
      read(({ gradient }) => gradient),
      'float32',
    ),
    read(({ rows }) => rows),
    hidden_RH.shape[0] ?? 0,
  );
  let gradient: HiddenGradient = { skipped: dHidden, computed: undefined };
  for (const [layer, { tape }] of [...layers.entries()].reverse()) {
    const skipped = ops.after(gradient.skipped, onGradients(known));
    gradient = layerBackward(context, layer, tape, { ...gradient, skipped }, gradients);
  }
  const skipped = ops.after(gradient.skipped, onGradients(known));
  embedBackward(context, sequences, embedded, { ...gradient, skipped }, words_VH, gradients);
  return { gradients, sums: sums() };
}

function forward(context: StepContext, { graph, readsFirstTokens }: TaskModel): Forward {
  const sequences = sequencesOf(context);
  const embedded = embed(context, sequences);
  const mask_B1QS = attentionMask(context, sequences);
  const layers: LayerForward[] = [];
  let [hidden_TH] = embedded;
  const { numLayers } = context.config;
  for (let layer = 0; layer < numLayers; layer++) {
    const isCut = readsFirstTokens === true && layer === numLayers - 1;
    const result = layerForward(context, layer, hidden_TH, mask_B1QS, isCut ? 'first' : 'all');
    layers.push(result);
    hidden_TH = result.hidden_TH;
  }
  const head = graph.forward(context, hidden_TH);
  return { sequences, embedded, layers, hidden_RH: hidden_TH, head };
}

function stepSums(context: StepContext, task: Task, ofTask: Record<string, Value>): Value {
  const all: Record<string, Value | undefined> = {
    ...ofTask,
    numExamples: ops.sum(context.exampleWeights_B, [0]),
    numTokens: ops.sum(ops.cast(column(context, 'inputMask'), 'float32'), [0, 1]),
  };
  return ops.stack(task.sums.map((name) => all[name] as Value));
}
