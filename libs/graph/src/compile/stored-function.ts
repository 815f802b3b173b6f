import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import { compiledFunction, traced, type CompiledFunction } from './compiled-function.ts';
import { sizeOf, type GraphDtype } from './dtypes.ts';
import { savedModelFile, storeFiles } from './graph-cache.ts';
import { loadGraph } from './graph-session.ts';
import type { GraphEndpoints } from './graph.ts';
import type { TensorData } from './session-binding.ts';
import type { TracedFunction } from './trace.ts';

const endpointsFile = 'endpoints.json';

/** Keeps a traced function in a folder of the cache: the graph, how to run it, and what its variables start from. */
export function storeFunction(
  cache: string,
  name: string,
  { graph, variables }: TracedFunction,
): void {
  storeFiles(cache, name, function* () {
    yield [savedModelFile, graph.encode()] as const;
    yield [endpointsFile, Buffer.from(JSON.stringify(graph.endpoints))] as const;
    for (const variable of variables)
      yield [variableFile(variable.name), bytesOfElements(variable)] as const;
  });
}

/** Loads a function from its folder, with its variables as they were. */
export function openFunction<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  folder: string,
): CompiledFunction<Inputs> {
  const endpoints = JSON.parse(readFileSync(join(folder, endpointsFile), 'utf8')) as GraphEndpoints;
  const session = loadGraph(tensorFlow, folder, endpoints);
  for (const [name, { dtype, shape }] of Object.entries(endpoints[traced.read]?.outputs ?? {})) {
    const bytes = readFileSync(join(folder, variableFile(name)));
    session.run(traced.write(name), { value: elements(bytes, dtype, sizeOf(shape)) });
  }
  return compiledFunction<Inputs>(session);
}

/** Names of variables may hold anything. */
function variableFile(name: string): string {
  return `${encodeURIComponent(name)}.variable`;
}

/** One element stands for all when they are equal, as an optimizer's zeros are. */
function bytesOfElements(tensor: Tensor): Uint8Array {
  const data = tensor.dataSync<'float32' | 'int32' | 'bool'>();
  const isUniform = data.length > 1 && data.every((value) => Object.is(value, data[0]));
  const kept = isUniform ? data.subarray(0, 1) : data;
  return new Uint8Array(kept.buffer, kept.byteOffset, kept.byteLength);
}

function elements(bytes: Uint8Array, dtype: GraphDtype, length: number): TensorData {
  // A copy: what is read from a file may lie anywhere, elements of four bytes may not.
  const { buffer } = Uint8Array.from(bytes);
  const data =
    dtype === 'bool'
      ? new Uint8Array(buffer)
      : dtype === 'int32'
        ? new Int32Array(buffer)
        : new Float32Array(buffer);
  if (data.length === length) return data;
  const filled = new (data.constructor as new (length: number) => TensorData)(length);
  return filled.fill(data[0]!);
}
