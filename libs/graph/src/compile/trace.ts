import { BerthError } from '@berth/contracts';
import { tidy, Tensor, type Variable } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import { withBlockRunner, type BlockRunner } from './block.ts';
import { traced } from './compiled-function.ts';
import type { TensorSpec } from './dtypes.ts';
import { Graph, type GraphVariable } from './graph.ts';
import { done, identity } from './ops.ts';
import type { Value } from './scope.ts';
import { tracedBackend, type TracedBackend } from './session-binding.ts';
import { Tracer } from './tracer.ts';
import { ownHandle, VariableWatch } from './variable-watch.ts';

/** A function that can be compiled. */
export type TensorFunction<Inputs extends readonly Tensor[]> = (
  ...inputs: Inputs
) => Tensor | readonly Tensor[];

export interface TracedFunction {
  /** With the signatures that `compiledFunction` calls. */
  readonly graph: Graph;
  /** The variables the function uses, with the values they start from. */
  readonly variables: readonly Variable[];
}

/** A variable of tfjs as it is in the graph. */
interface Captured {
  readonly variable: Variable;
  readonly state: GraphVariable;
  readonly before: Value;
}

/**
 * Writes a function down as a graph. Variables that it makes at its first call exist at the second, so such a function is
 * traced twice; all variables end up as they were.
 * @throws BerthError `INTERNAL` that names the operation when something cannot be compiled
 */
export function traceFunction<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  fn: TensorFunction<Inputs>,
  example: Inputs,
): TracedFunction {
  const first = traceOnce(tensorFlow, fn, example);
  if (first.numMade === 0) return first;
  const second = traceOnce(tensorFlow, fn, example);
  if (second.numMade === 0) return second;
  throw new BerthError(
    'INTERNAL',
    'the function makes new variables at every call; make them once, outside of it',
  );
}

function traceOnce<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  fn: TensorFunction<Inputs>,
  example: Inputs,
): TracedFunction & { readonly numMade: number } {
  const backend = tracedBackend(tensorFlow);
  const idOf = (tensor: Tensor): number => backend.getInputTensorIds([tensor])[0]!;
  const graph = new Graph();
  const placeholders = example.map((tensor, index) =>
    graph.placeholder(`input_${index}`, specOf(tensor, `input ${index}`)),
  );
  const inputs = example.map((tensor) => ownHandle(tensorFlow, tensor));
  const watch = new VariableWatch(tensorFlow);
  const captured = new Map<Variable, Captured>();
  const capture = (variable: Variable): Captured => {
    const known = captured.get(variable);
    if (known !== undefined) return known;
    const state = graph.variable(
      `variable_${captured.size}`,
      specOf(variable, `variable ${variable.name}`),
    );
    const made = { variable, state, before: graph.read(state) };
    captured.set(variable, made);
    return made;
  };
  const variableIds = new Map(watch.known.map((variable) => [idOf(variable), variable]));
  const tracer = new Tracer(graph, backend.binding, (id) => {
    const variable = variableIds.get(id);
    return variable && (() => capture(variable).before);
  });
  inputs.forEach((tensor, index) => tracer.bind(idOf(tensor), placeholders[index]!));
  try {
    const results = record(backend, tracer, () => {
      const tensors = tensorsOf(fn(...(inputs as readonly Tensor[] as Inputs)));
      return tensors.map((tensor) => tracer.valueOf(idOf(tensor), 'as a result'));
    });
    const assigned = watch.known
      .filter((variable) => variableIds.get(idOf(variable)) !== variable)
      .map((variable) => ({ variable, value: tracer.valueOf(idOf(variable), 'for a variable') }));
    const assignments = assigned.map(({ variable, value }) => {
      const { state, before } = capture(variable);
      return graph.assign(state, value, { after: [before] });
    });
    addSignatures(graph, placeholders, results, assignments, [...captured.values()]);
    return { graph, variables: [...captured.keys()], numMade: watch.numMade };
  } finally {
    watch.restore();
    inputs.forEach((tensor) => tensor.dispose());
  }
}

function addSignatures(
  graph: Graph,
  inputs: readonly Value[],
  results: readonly Value[],
  assignments: readonly Value[],
  captured: readonly Captured[],
): void {
  // TensorFlow does not fetch what it is fed.
  const fetched = results.map((value) => (inputs.includes(value) ? identity(value) : value));
  const finished = assignments.length === 0 ? [] : [[traced.finished, done(graph, assignments)]];
  graph.signature(traced.run, {
    inputs: Object.fromEntries(inputs.map((value, index) => [traced.input(index), value])),
    outputs: Object.fromEntries([
      ...fetched.map((value, index) => {
        specOf(value, `result ${index}`);
        return [traced.result(index), value];
      }),
      ...finished,
    ]) as Record<string, Value>,
  });
  captured.forEach(({ variable, state }, index) => {
    const value = graph.placeholder(`write_${index}`, state);
    graph.signature(traced.write(variable.name), {
      inputs: { value },
      outputs: { done: done(graph, [graph.assign(state, value)]) },
    });
  });
  if (captured.length > 0)
    graph.signature(traced.read, {
      inputs: {},
      outputs: Object.fromEntries(
        captured.map(({ variable, state }) => [variable.name, graph.read(state)]),
      ),
    });
}

/** Runs an action while its operations are written down. */
function record<T>(backend: TracedBackend, tracer: Tracer, action: () => T): T {
  const { binding } = backend;
  const move = backend.move.bind(backend);
  const idOf = (tensor: Tensor): number => backend.getInputTensorIds([tensor])[0]!;
  const runBlock: BlockRunner = (name, given, run) => {
    let made: readonly Tensor[] = [];
    tracer.block(name, given.map(idOf), () => {
      made = run();
      return made.map(idOf);
    });
    return made;
  };
  backend.binding = tracer.recordingBinding();
  backend.move = (dataId, elements, ...rest) => {
    tracer.give(elements);
    move(dataId, elements, ...rest);
  };
  const { random } = Math;
  Math.random = () => {
    throw new BerthError(
      'INTERNAL',
      'the function draws random numbers in JavaScript (Math.random, or an operation such as randomNormal or dropout), which ' +
        'would be the same at every call; pass them as an input, or give the operation a seed if they shall be the same',
    );
  };
  try {
    let result: { readonly value: T } | undefined;
    withBlockRunner(runBlock, () => tidy(() => void (result = { value: action() })));
    return result!.value;
  } finally {
    Math.random = random;
    backend.binding = binding;
    Reflect.deleteProperty(backend, 'move');
  }
}

function tensorsOf(result: unknown): readonly Tensor[] {
  const tensors: readonly unknown[] = Array.isArray(result) ? result : [result];
  if (tensors.every((tensor) => tensor instanceof Tensor)) return tensors;
  throw new BerthError(
    'INTERNAL',
    `the function returns ${result instanceof Promise ? 'a promise' : typeof result}, it must return a tensor or a list of tensors`,
  );
}

function specOf(
  { dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] },
  what: string,
): TensorSpec {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return { dtype, shape };
  throw new BerthError(
    'INTERNAL',
    `${what} is of type ${dtype}; a compiled function takes and gives float32, int32 and bool`,
  );
}
