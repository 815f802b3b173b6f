import {
  isMeasuredByPredictions,
  type BatchShape,
  type ModelConfig,
  type OptimizerConfig,
  type ParameterSpec,
  type AllReduceDtype,
} from '@berth/contracts';
import { Graph, ops, type GraphVariable, type Value } from '@berth/graph';
import type { TaskModel } from '../tasks/task-model.ts';
import { batchInputs } from './batch-inputs.ts';
import type { ComputeDtype } from './blocks/precision.ts';
import { gradientDigest } from './digest.ts';
import { GradientStore } from './gradient-store.ts';
import type { GradientBucket } from './gradient-buckets.ts';
import { addBuckets, HandOut, runInput } from './hand-out.ts';
import { graphParameters, joinParts, namedParts, type GraphParameter } from './graph-parameters.ts';
import { modelBlocks } from './model-blocks.ts';
import { evaluationPass, gradientPass } from './passes.ts';
import {
  dropoutKeysFrom,
  nothingDropped,
  numDropoutSites,
  type StepContext,
} from './step-context.ts';
import { StateWindow } from './state-window.ts';
import { updateAll, updateInputs, type ParameterVariables, type UpdateScalars } from './update.ts';

export interface TrainingGraphOptions {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly layout: readonly ParameterSpec[];
  readonly shape: BatchShape;
  readonly compute: ComputeDtype;
  /** log2 of the longest block of virtual ranks. */
  readonly numLevels: number;
  readonly allReduceDtype: AllReduceDtype;
  /** In which a micro-batch's gradient is handed out while it is computed; none: it is summed when all of it is there. */
  readonly buckets: readonly GradientBucket[];
}

/** The input of `start` and `accumulate` that scales a term of the loss. */
export function lossScaleInput(term: string): string {
  return `scale/${term}`;
}

/** The three tensors a parameter has in a training state, as the graph's signatures name them. */
const stateNames = ['weight', 'firstMoment', 'secondMoment'] as const;

/**
 * Everything training does on a device, as one graph. Weights, moments and gradient sums are its variables. Signatures, in which
 * `parts` are tensors by the layout's parameter names:
 *
 *     load_<state>(parts)         read_<state>() -> parts
 *     read_window(place) -> by state: as many elements of it, wherever they begin; see `StateWindow`
 *     start(batch)                the micro-batch's gradient becomes the current sum
 *     accumulate(batch)           it is added to the current sum
 *     hand_out(batch)             instead of both, where there are buckets: hands out the gradient, bucket by bucket
 *     carry_<level>()             that level + current sum -> current sum
 *     keep_<level>()              level below + current sum -> that level
 *     round()                     the current sum is rounded to the all-reduce dtype
 *     read_gradient() -> parts in the all-reduce dtype, sums
 *     start_<bucket>(gradients), accumulate_<bucket>(gradients)      they become the current sum, or are added to it
 *     carry_<level>_<bucket>, round_<bucket>, read_gradient_<bucket> as those of all; the first of `gradientBuckets` has the sums
 *     load_gradient(parts, sums)  in bf16 (pairs, sums): see `GradientStore.loadPairs`
 *     describe() -> sums, digest  of the current sum, for a member that keeps it to itself
 *     norms() -> norms            Euclidean length of each parameter's gradient
 *     update(scalars)             one optimizer step by the current sum
 *     evaluate(batch) -> sums     nothing dropped
 *     predict(batch) -> outputs   of the task's head, nothing dropped
 *     measure(batch) -> outputs, sums   both, for tasks that are measured by predictions
 */
export function trainingGraph(options: TrainingGraphOptions): Graph {
  const { task, model, layout, shape } = options;
  const graph = new Graph();
  const parameters = graphParameters(layout);
  const variables = parameters.map(({ name, shape: dimensions }): ParameterVariables => {
    const variable = (kind: string): GraphVariable =>
      graph.variable(`${kind}/${name}`, { dtype: 'float32', shape: dimensions });
    const [weight, firstMoment, secondMoment] = stateNames.map(variable) as [
      GraphVariable,
      GraphVariable,
      GraphVariable,
    ];
    return { weight, firstMoment, secondMoment };
  });
  const numSums = task.task.sums.length;
  const store = new GradientStore(graph, parameters, options, numSums);
  const { columns, exampleWeights_B } = batchInputs(graph, task.task, shape);
  const inputs = { ...columns, exampleWeights_B };
  const context: StepContext = {
    graph,
    config: model,
    shape,
    compute: options.compute,
    blocks: modelBlocks(model, shape, options.compute),
    columns,
    exampleWeights_B,
    weights: new Map(
      parameters.map(({ name }, index) => [name, graph.read(variables[index]!.weight)]),
    ),
    keys: nothingDropped,
  };
  const fed = new Map(
    layout.map(({ name, shape: dimensions }) => [
      name,
      graph.placeholder(`part/${name}`, { dtype: 'float32', shape: dimensions }),
    ]),
  );
  addState(graph, parameters, variables, fed);
  new StateWindow(parameters).addTo(graph, variables);
  addGradients(context, task, inputs, parameters, store, options.buckets);
  addSums(graph, store, parameters, options, numSums, fed);
  addUpdate(graph, options.optimizer, parameters, variables, store);
  const { sums, outputs } = evaluationPass(context, task);
  graph.signature('evaluate', { inputs, outputs: { sums } });
  graph.signature('predict', { inputs, outputs });
  if (isMeasuredByPredictions(task.task))
    graph.signature('measure', { inputs, outputs: { ...outputs, sums } });
  return graph;
}

function addState(
  graph: Graph,
  parameters: readonly GraphParameter[],
  variables: readonly ParameterVariables[],
  fed: ReadonlyMap<string, Value>,
): void {
  const tensors = joinParts(parameters, ({ name }) => fed.get(name)!);
  const inputs = Object.fromEntries(fed);
  for (const kind of stateNames) {
    const loaded = variables.map((state, index) => graph.assign(state[kind], tensors[index]!));
    graph.signature(`load_${kind}`, { inputs, outputs: { done: ops.done(graph, loaded) } });
    const values = variables.map((state) => graph.read(state[kind]));
    graph.signature(`read_${kind}`, { inputs: {}, outputs: namedParts(parameters, values) });
  }
}

function addGradients(
  context: StepContext,
  task: TaskModel,
  batch: Readonly<Record<string, Value>>,
  parameters: readonly GraphParameter[],
  store: GradientStore,
  buckets: readonly GradientBucket[],
): void {
  const { graph, config } = context;
  const scales = task.task.losses.map(({ name }) => {
    const scale = graph.placeholder(lossScaleInput(name), { dtype: 'float32', shape: [] });
    return { name, scale };
  });
  const keys_K2 = graph.placeholder('dropoutKeys_K2', {
    dtype: 'int32',
    shape: [numDropoutSites(config, task), 2],
  });
  const handOut = buckets.length === 0 ? undefined : new HandOut(graph, buckets);
  const { gradients, sums } = gradientPass(
    { ...context, keys: dropoutKeysFrom(keys_K2) },
    task,
    Object.fromEntries(scales.map(({ name, scale }) => [name, scale])),
    handOut && ((known) => handOut.add(known)),
  );
  const inOrder = [...parameters.map(({ name }) => gradients.get(name) as Value), sums];
  const inputs = {
    ...batch,
    dropoutKeys_K2: keys_K2,
    ...Object.fromEntries(scales.map(({ name, scale }) => [lossScaleInput(name), scale])),
    ...(handOut && { [runInput]: handOut.run }),
  };
  const add = (name: string, statements: readonly Value[]): void =>
    graph.signature(name, { inputs, outputs: { done: ops.done(graph, statements) } });
  if (handOut !== undefined) return add('hand_out', handOut.add({ gradients, sums: () => sums }));
  add('start', store.start(inOrder));
  add('accumulate', store.accumulate(inOrder));
}

function addSums(
  graph: Graph,
  store: GradientStore,
  parameters: readonly GraphParameter[],
  { allReduceDtype, buckets }: Pick<TrainingGraphOptions, 'allReduceDtype' | 'buckets'>,
  numSums: number,
  fed: ReadonlyMap<string, Value>,
): void {
  const add = (name: string, statements: readonly Value[]): void =>
    graph.signature(name, { inputs: {}, outputs: { done: ops.done(graph, statements) } });
  const climbing = new Map<string, readonly Value[]>();
  const addClimbing = (name: string, statements: readonly Value[]): void => {
    climbing.set(name, statements);
    add(name, statements);
  };
  for (let level = 0; level < store.numLevels; level++) {
    addClimbing(`carry_${level}`, store.carry(level));
    add(`keep_${level}`, store.keep(level));
  }
  addClimbing('round', store.round());
  const sums = graph.placeholder('sums', { dtype: 'float32', shape: [numSums] });
  const load = (inputs: Record<string, Value>, statements: readonly Value[]): void =>
    graph.signature('load_gradient', {
      inputs: { ...inputs, sums },
      outputs: { done: ops.done(graph, statements) },
    });
  if (allReduceDtype === 'fp32') {
    const parts = Object.fromEntries(fed);
    load(
      parts,
      store.loadParts(({ name }) => fed.get(name)!, sums),
    );
  } else {
    const pairs = graph.placeholder('pairs', { dtype: 'int32', shape: [store.numPairs] });
    load({ pairs }, store.loadPairs(pairs, sums));
  }
  const read = store.readParts();
  graph.signature('read_gradient', { inputs: {}, outputs: read });
  addBuckets(graph, buckets, { parameters, store, climbing, read });
  const digest = gradientDigest(graph, store.flatPieces());
  graph.signature('describe', { inputs: {}, outputs: { sums: store.read().sums, digest } });
}

function addUpdate(
  graph: Graph,
  config: OptimizerConfig,
  parameters: readonly GraphParameter[],
  variables: readonly ParameterVariables[],
  store: GradientStore,
): void {
  const { gradients } = store.read();
  const norms = gradients.map((gradient) => ops.sqrt(ops.mul(ops.halfSquaredNorm(gradient), 2)));
  graph.signature('norms', { inputs: {}, outputs: { norms: ops.stack(norms) } });
  const scalars = Object.fromEntries(
    updateInputs.map((name) => [name, graph.placeholder(name, { dtype: 'float32', shape: [] })]),
  ) as UpdateScalars<Value>;
  const done = updateAll(graph, config, parameters, variables, gradients, scalars);
  graph.signature('update', { inputs: { ...scalars }, outputs: { done } });
}
