import { basename } from 'node:path';
import { BerthError, isBerthError } from '@berth/contracts';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import { graphDtypes, sizeOf } from './dtypes.ts';
import { defaultGraphFolder, storeGraph } from './graph-cache.ts';
import { servingTag, type Endpoint, type Graph, type GraphEndpoints } from './graph.ts';
import { followRun } from './staged-run.ts';
import { tracedBackend, type SessionBinding, type TensorData } from './session-binding.ts';

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
   * Runs a signature and copies what it gives to memory of the caller's, shared memory included. Unlike the views
   * that `run` gives, this leaves nothing for a garbage collection to release.
   * @param targets - for each output as many bytes as it has
   * @throws BerthError `INTERNAL` when a target is missing or has another size
   */
  runInto(
    signature: string,
    targets: Readonly<Record<string, ArrayBufferView>>,
    inputs?: Readonly<Record<string, TensorData>>,
  ): void;
  /**
   * Runs a signature, and takes up what its nodes hand out while it goes on (`Graph.handOut`). Returns once the run has ended, or
   * throws then what `take` has thrown first.
   * @param run - the input that says to hand out; given by this method
   * @param take - called with what each node hands out, in the order in which it is there; may run other signatures, on these
   * tensors too, which are disposed after it
   * @throws BerthError `INTERNAL` as `run` does
   */
  runInStages(
    signature: string,
    inputs: Readonly<Record<string, TensorData>>,
    run: string,
    take: (stage: number, values: readonly Tensor[]) => void,
  ): void;
  /**
   * Runs a signature on tensors and gives tensors, which the caller disposes: nothing is copied to or from JavaScript.
   * @throws BerthError `INTERNAL` when an input is missing or has another type or shape, or TensorFlow refuses the graph
   */
  runTensors(signature: string, inputs: Readonly<NamedTensorMap>): NamedTensorMap;
  readonly signatures: readonly string[];
  /** Frees the graph, its variables and its functions. */
  dispose(): void;
}

/** One signature, ready for the addon. */
interface Prepared {
  readonly inputs: readonly (readonly [name: string, endpoint: Endpoint])[];
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
  const folder = storeGraph(options.cacheFolder ?? defaultGraphFolder(), graph.encode());
  return loadGraph(tensorFlow, folder, graph.endpoints);
}

/** Loads a graph from the folder that holds its saved_model.pb. */
export function loadGraph(
  tensorFlow: TensorFlow,
  folder: string,
  endpoints: GraphEndpoints,
): GraphSession {
  const backend = tracedBackend(tensorFlow);
  const { binding } = backend;
  const prepared = new Map(
    Object.entries(endpoints).map(([name, { inputs, outputs }]) => [
      name,
      prepare(inputs, outputs),
    ]),
  );
  const find = (signature: string): Prepared => {
    const found = prepared.get(signature);
    if (found !== undefined) return found;
    throw new BerthError('INTERNAL', `no signature ${signature}`);
  };
  const code = tensorFlow.keptCode(basename(folder));
  const around = <T>(signature: string, run: () => T): T =>
    code === undefined ? run() : code.around(signature, run);
  const model = explain('load the graph', () => binding.loadSavedModel(folder, servingTag));
  return {
    run: (signature, inputs = {}) =>
      around(signature, () =>
        runSignature(binding, model, signature, find(signature), inputs, (id) =>
          binding.tensorDataSync(id),
        ),
      ),
    runInto(signature, targets, inputs = {}) {
      around(signature, () =>
        runSignature(binding, model, signature, find(signature), inputs, (id, output) =>
          explain(`copy ${output}`, () => binding.copyTensor(id, bytesOf(targets[output]))),
        ),
      );
    },
    runInStages(signature, inputs, runInput, take) {
      const { inputs: expected, inputNames, outputNames } = find(signature);
      const attempt = <T>(action: () => T): T => explain(`run ${signature}`, action);
      const run = binding.newRun();
      const ids = uploadAll(binding, expected, { ...inputs, [runInput]: Int32Array.of(run) });
      try {
        attempt(() => binding.startSavedModel(run, model, ids, inputNames, outputNames));
        followRun({
          next: () => binding.awaitStage(run)?.map((handle) => backend.createOutputTensor(handle)),
          take,
          end: () => attempt(() => binding.endRun(run)),
        });
      } finally {
        for (const id of ids) binding.deleteTensor(id);
      }
    },
    runTensors(signature, given) {
      const { inputs, inputNames, outputs, outputNames } = find(signature);
      const tensors = inputs.map(([name, endpoint]) => checkInput(name, endpoint, given[name]));
      // Not `binding`: while a function is traced, the backend has another one, which refuses this.
      const handles = around(signature, () =>
        explain(`run ${signature}`, () =>
          backend.binding.runSavedModel(
            model,
            backend.getInputTensorIds(tensors),
            inputNames,
            outputNames,
          ),
        ),
      );
      return Object.fromEntries(
        outputs.map((name, index) => [name, backend.createOutputTensor(handles[index]!)]),
      );
    },
    signatures: Object.keys(endpoints),
    dispose: () => binding.deleteSavedModel(model),
  };
}

function prepare(
  inputs: Readonly<Record<string, Endpoint>>,
  outputs: Readonly<Record<string, Endpoint>>,
): Prepared {
  const namesOf = (endpoints: Readonly<Record<string, Endpoint>>): string =>
    Object.values(endpoints)
      .map(({ name }) => name)
      .join(',');
  return {
    inputs: Object.entries(inputs),
    inputNames: namesOf(inputs),
    outputs: Object.keys(outputs),
    outputNames: namesOf(outputs),
  };
}

function runSignature<T>(
  binding: SessionBinding,
  model: number,
  signature: string,
  { inputs: expected, inputNames, outputs, outputNames }: Prepared,
  inputs: Readonly<Record<string, TensorData>>,
  take: (id: number, output: string) => T,
): Record<string, T> {
  const ids = uploadAll(binding, expected, inputs);
  try {
    const handles = explain(`run ${signature}`, () =>
      binding.runSavedModel(model, ids, inputNames, outputNames),
    );
    ids.push(...handles.map(({ id }) => id));
    return Object.fromEntries(outputs.map((name, index) => [name, take(handles[index]!.id, name)]));
  } finally {
    for (const id of ids) binding.deleteTensor(id);
  }
}

function checkInput(name: string, { dtype, shape }: Endpoint, tensor: Tensor | undefined): Tensor {
  if (tensor?.dtype === dtype && String(tensor.shape) === String(shape)) return tensor;
  const given = tensor === undefined ? 'missing' : `${tensor.dtype} [${tensor.shape.join(', ')}]`;
  throw new BerthError(
    'INTERNAL',
    `${name} is ${given}, the graph is for ${dtype} [${shape.join(', ')}]; compile one for this shape too`,
  );
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  return view === undefined
    ? new Uint8Array()
    : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function uploadAll(
  binding: SessionBinding,
  expected: Prepared['inputs'],
  inputs: Readonly<Record<string, TensorData>>,
): number[] {
  const ids: number[] = [];
  try {
    for (const [name, endpoint] of expected)
      ids.push(upload(binding, name, endpoint, inputs[name]));
  } catch (error) {
    for (const id of ids) binding.deleteTensor(id);
    throw error;
  }
  return ids;
}

function upload(
  binding: SessionBinding,
  name: string,
  { dtype, shape }: Endpoint,
  data: TensorData | undefined,
): number {
  const length = sizeOf(shape);
  if (data?.length === length) return binding.createTensor(shape, graphDtypes[dtype], data);
  throw new BerthError(
    'INTERNAL',
    `input ${name} has ${data?.length ?? 'no'} elements, the graph takes ${length} ([${shape.join(', ')}])`,
  );
}

function explain<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (isBerthError(error)) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new BerthError('INTERNAL', `TensorFlow cannot ${what}: ${message}`, { cause: error });
  }
}
