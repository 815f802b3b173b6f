import { BerthError } from '@berth/contracts';
import type { TensorFlow } from '../tensorflow.ts';
import { graphDtypes, sizeOf } from './dtypes.ts';
import { defaultGraphFolder, storeGraph } from './graph-cache.ts';
import { servingTag, type Graph } from './graph.ts';
import type { Value } from './scope.ts';
import { sessionBinding, type SessionBinding, type TensorData } from './session-binding.ts';

export interface GraphSessionOptions {
  /** Where compiled graphs are kept. Default: the user's cache. */
  readonly cacheFolder?: string;
}

/**
 * A graph loaded into a TensorFlow session of its own. Its variables keep their values from run to run and are shared by all
 * signatures. Runs block the thread.
 */
export interface GraphSession {
  /**
   * Runs a signature. What it returns may be views of TensorFlow's memory, a fetched variable's included: copy to change.
   * @param inputs - elements of each of the signature's inputs
   * @throws BerthError `INTERNAL` when an input is missing or has another size, or TensorFlow refuses the graph
   */
  run(
    signature: string,
    inputs?: Readonly<Record<string, TensorData>>,
  ): Readonly<Record<string, TensorData>>;
  /**
   * Runs a signature without inputs and copies what it gives to memory of the caller's, shared memory included. Unlike the views
   * that `run` gives, this leaves nothing for a garbage collection to release.
   * @param targets - for each output as many bytes as it has
   * @throws BerthError `INTERNAL` when a target is missing or has another size
   */
  runInto(signature: string, targets: Readonly<Record<string, ArrayBufferView>>): void;
  /** Frees the graph, its variables and its functions. */
  dispose(): void;
}

/** One signature, ready for the addon. */
interface Endpoints {
  readonly inputs: readonly (readonly [name: string, value: Value])[];
  readonly inputNames: string;
  readonly outputs: readonly string[];
  readonly outputNames: string;
}

/**
 * Writes a graph to the cache and loads it.
 * @throws BerthError `INTERNAL` with TensorFlow's message when the graph is wrong
 */
export function openGraphSession(
  tensorFlow: TensorFlow,
  graph: Graph,
  options: GraphSessionOptions = {},
): GraphSession {
  const binding = sessionBinding(tensorFlow);
  const folder = storeGraph(options.cacheFolder ?? defaultGraphFolder(), graph.encode());
  const endpoints = new Map<string, Endpoints>();
  for (const [name, { inputs, outputs }] of graph.signatures) {
    endpoints.set(name, {
      inputs: Object.entries(inputs),
      inputNames: Object.values(inputs).map(endpointName).join(','),
      outputs: Object.keys(outputs),
      outputNames: Object.values(outputs).map(endpointName).join(','),
    });
  }
  const model = explain('load the graph', () => binding.loadSavedModel(folder, servingTag));
  const run = <T>(
    signature: string,
    inputs: Readonly<Record<string, TensorData>>,
    take: (id: number, output: string) => T,
  ): Record<string, T> => {
    const found = endpoints.get(signature);
    if (found === undefined) throw new BerthError('INTERNAL', `no signature ${signature}`);
    return runSignature(binding, model, signature, found, inputs, take);
  };
  return {
    run: (signature, inputs = {}) => run(signature, inputs, (id) => binding.tensorDataSync(id)),
    runInto(signature, targets) {
      run(signature, {}, (id, output) =>
        explain(`copy ${output}`, () => binding.copyTensor(id, bytesOf(targets[output]))),
      );
    },
    dispose: () => binding.deleteSavedModel(model),
  };
}

function runSignature<T>(
  binding: SessionBinding,
  model: number,
  signature: string,
  endpoints: Endpoints,
  inputs: Readonly<Record<string, TensorData>>,
  take: (id: number, output: string) => T,
): Record<string, T> {
  const ids: number[] = [];
  try {
    for (const [name, value] of endpoints.inputs)
      ids.push(upload(binding, name, value, inputs[name]));
    const handles = explain(`run ${signature}`, () =>
      binding.runSavedModel(model, ids, endpoints.inputNames, endpoints.outputNames),
    );
    ids.push(...handles.map(({ id }) => id));
    return Object.fromEntries(
      endpoints.outputs.map((name, index) => [name, take(handles[index]!.id, name)]),
    );
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined
    ? new Uint8Array()
    : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function upload(
  binding: SessionBinding,
  name: string,
  { dtype, shape }: Value,
  data: TensorData | undefined,
): number {
  const length = sizeOf(shape);
  if (data?.length === length) return binding.createTensor(shape, graphDtypes[dtype], data);
  throw new BerthError(
    'INTERNAL',
    `input ${name} has ${data?.length ?? 'no'} elements, the graph takes ${length} ([${shape.join(', ')}])`,
  );
}

function endpointName({ node, index }: Value): string {
  return `${node}:${index}`;
}

function explain<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BerthError('INTERNAL', `TensorFlow cannot ${what}: ${message}`, { cause: error });
  }
}
