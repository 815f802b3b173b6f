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
  return {
    run(signature, inputs = {}) {
      const found = endpoints.get(signature);
      if (found === undefined) throw new BerthError('INTERNAL', `no signature ${signature}`);
      return runSignature(binding, model, signature, found, inputs);
    },
    dispose: () => binding.deleteSavedModel(model),
  };
}

function runSignature(
  binding: SessionBinding,
  model: number,
  signature: string,
  endpoints: Endpoints,
  inputs: Readonly<Record<string, TensorData>>,
): Record<string, TensorData> {
  const ids: number[] = [];
  try {
    for (const [name, value] of endpoints.inputs)
      ids.push(upload(binding, name, value, inputs[name]));
    const handles = explain(`run ${signature}`, () =>
      binding.runSavedModel(model, ids, endpoints.inputNames, endpoints.outputNames),
    );
    const results = handles.map(({ id }) => {
      const data = binding.tensorDataSync(id);
      binding.deleteTensor(id);
      return data;
    });
    return Object.fromEntries(
      endpoints.outputs.map((name, index) => [name, results[index] as TensorData]),
    );
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
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
