import { BerthError } from '@berth/contracts';
import { tidy, type Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import { withBlockRunner, type BlockRunner } from './block.ts';
import { graphDtypes, type TensorSpec } from './dtypes.ts';
import { openGraphSession, type GraphSessionOptions } from './graph-session.ts';
import { Graph } from './graph.ts';
import { done } from './ops.ts';
import type { Value } from './scope.ts';
import { tracedBackend, type TensorData } from './session-binding.ts';
import { Tracer } from './tracer.ts';

export interface CompileOptions extends GraphSessionOptions {
  /** Variables the function reads or assigns: they live in the graph from now on. */
  readonly variables?: readonly Variable[];
}

/** A function of tensors as one native call. */
export interface CompiledFunction<Inputs extends readonly Tensor[]> {
  /** The same results as the function's; the caller disposes them. Inputs must have the example's types and shapes. */
  (...inputs: Inputs): Tensor[];
  /** Copies the graph's variables to the tfjs variables they came from. */
  readVariables(): void;
  dispose(): void;
}

/**
 * Compiles a tfjs function to a TensorFlow graph: runs it once on the example, writes down each operation, and loads the
 * result. What JavaScript decides or computes on the way (branches, loops, random numbers) is frozen as it was.
 *
 * @returns a function that gives the same results in one native call
 * @throws BerthError `INTERNAL` that names the operation when something cannot be compiled
 */
export function compile<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  fn: (...inputs: Inputs) => Tensor | readonly Tensor[],
  example: Inputs,
  options: CompileOptions = {},
): CompiledFunction<Inputs> {
  const { variables = [] } = options;
  const graph = new Graph();
  const inputs = example.map((tensor, index) =>
    graph.placeholder(`input_${index}`, specOf(tensor)),
  );
  const states = variables.map((variable, index) =>
    graph.variable(`variable_${index}`, specOf(variable)),
  );
  const before = states.map((state) => graph.read(state));
  const { results, after } = trace(tensorFlow, graph, fn, example, inputs, variables, before);

  const assigned = states.flatMap((state, index) =>
    after[index] === before[index] ? [] : [graph.assign(state, after[index]!)],
  );
  const named = (prefix: string, values: readonly Value[]): Record<string, Value> =>
    Object.fromEntries(values.map((value, index) => [`${prefix}${index}`, value]));
  const finished = assigned.length === 0 ? {} : { finished: done(graph, assigned) };
  graph.signature('run', {
    inputs: named('input', inputs),
    outputs: { ...named('result', results), ...finished },
  });
  const loads = states.map((state, index) => {
    const value = graph.placeholder(`load_${index}`, state);
    graph.signature(`load_${index}`, {
      inputs: { value },
      outputs: { done: done(graph, [graph.assign(state, value)]) },
    });
    graph.signature(`read_${index}`, { inputs: {}, outputs: { value: graph.read(state) } });
    return value;
  });
  const session = openGraphSession(tensorFlow, graph, options);
  loads.forEach((_, index) =>
    session.run(`load_${index}`, { value: elementsOf(variables[index]!) }),
  );

  const toTensor = (data: TensorData, { shape, dtype }: TensorSpec): Tensor =>
    tensorFlow.tf.tensor(data, [...shape], tfjsDtype(dtype));
  const run = (...tensors: Inputs): Tensor[] => {
    const data = Object.fromEntries(
      tensors.map((tensor, index) => {
        checkInput(tensor, inputs[index], index);
        return [`input${index}`, elementsOf(tensor)];
      }),
    );
    const outputs = session.run('run', data);
    return results.map((result, index) => toTensor(outputs[`result${index}`]!, result));
  };
  return Object.assign(run, {
    readVariables: () =>
      states.forEach((state, index) => {
        const { value } = session.run(`read_${index}`);
        tidy(() => variables[index]!.assign(toTensor(value!, state)));
      }),
    dispose: () => session.dispose(),
  });
}

/** Runs the function once while its operations are written down; variables end up as they were. */
function trace<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  graph: Graph,
  fn: (...inputs: Inputs) => Tensor | readonly Tensor[],
  example: Inputs,
  inputs: readonly Value[],
  variables: readonly Variable[],
  before: readonly Value[],
): { readonly results: readonly Value[]; readonly after: readonly Value[] } {
  const backend = tracedBackend(tensorFlow);
  const { binding } = backend;
  const idOf = (tensor: Tensor): number => backend.getInputTensorIds([tensor])[0]!;
  const tracer = new Tracer(graph, binding);
  const originals = variables.map((variable) => variable.clone());
  example.forEach((tensor, index) => tracer.bind(idOf(tensor), inputs[index]!));
  variables.forEach((variable, index) => tracer.bind(idOf(variable), before[index]!));
  backend.binding = tracer.recordingBinding();
  const runBlock: BlockRunner = (name, given, run) => {
    let made: readonly Tensor[] = [];
    tracer.block(name, given.map(idOf), () => {
      made = run();
      return made.map(idOf);
    });
    return made;
  };
  const values = { results: [] as Value[], after: [] as Value[] };
  try {
    withBlockRunner(runBlock, () =>
      tidy(() => {
        const result = fn(...example);
        const tensors = 'length' in result ? result : [result];
        values.results = tensors.map((tensor) => tracer.valueOf(idOf(tensor)));
        values.after = variables.map((variable) => tracer.valueOf(idOf(variable)));
      }),
    );
    return values;
  } finally {
    backend.binding = binding;
    variables.forEach((variable, index) => variable.assign(originals[index]!));
    originals.forEach((tensor) => tensor.dispose());
  }
}

function elementsOf(tensor: Tensor): TensorData {
  return tensor.dataSync<'float32' | 'int32' | 'bool'>();
}

function specOf({ dtype, shape }: Tensor): TensorSpec {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return { dtype, shape };
  throw new BerthError(
    'INTERNAL',
    `tensors of type ${dtype} cannot be inputs of a compiled function`,
  );
}

function tfjsDtype(dtype: TensorSpec['dtype']): 'float32' | 'int32' | 'bool' {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new BerthError(
    'INTERNAL',
    `results of type ${dtype} (${graphDtypes[dtype]}) cannot leave a compiled function`,
  );
}

function checkInput({ dtype, shape }: Tensor, input: Value | undefined, index: number): void {
  if (input !== undefined && input.dtype === dtype && String(input.shape) === String(shape)) return;
  throw new BerthError(
    'INTERNAL',
    `input ${index} is ${dtype} [${shape.join(', ')}], the function was compiled for ` +
      `${input?.dtype ?? 'no input'} [${input?.shape.join(', ') ?? ''}]; compile it for this shape too`,
  );
}
