import type { Tensor } from '@tensorflow/tfjs-core';
import type { AddonAttribute } from '../addon.ts';
import type { TensorFlow } from '../tensorflow.ts';

/** Elements as the addon reads and writes them. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** What the addon says of a tensor it holds. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

/** What sessions use of tfjs-node-gpu's addon. */
export interface SessionBinding {
  createTensor(shape: readonly number[], dtype: number, data: TensorData): number;
  deleteTensor(id: number): void;
  /** A view of the tensor's memory, which lives as long as the view. */
  tensorDataSync(id: number): TensorData;
  /** Copies a tensor of any type to an array of as many bytes. */
  copyTensor(id: number, target: Uint8Array): void;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorHandle[];
  /** The number of a run in stages. */
  newRun(): number;
  /** As `runSavedModel`, but goes on after the call. */
  startSavedModel(
    run: number,
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): void;
  /** Waits for what the next of a run's nodes hands out; undefined when the run has ended. */
  awaitStage(run: number): TensorHandle[] | undefined;
  /** Waits for the end of a run; throws what it has failed with. */
  endRun(run: number): void;
}

/** What tracing replaces besides. */
export interface TracedBinding extends SessionBinding {
  executeOp(
    name: string,
    attributes: readonly AddonAttribute[],
    inputs: readonly number[],
    numOutputs: number,
  ): TensorHandle[];
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
}

/** tfjs-node-gpu's backend, as compiling uses it. */
export interface TracedBackend {
  binding: TracedBinding;
  /** The addon's numbers of tensors; uploads those that JavaScript still holds. */
  getInputTensorIds(tensors: readonly unknown[]): number[];
  /** Called for each tensor that JavaScript makes; keeps its elements until they are needed. */
  move(dataId: object, elements: unknown, ...rest: readonly unknown[]): void;
  /** A tensor of tfjs for one that the addon holds. */
  createOutputTensor(handle: TensorHandle): Tensor;
}

export function tracedBackend({ tf }: TensorFlow): TracedBackend {
  return tf.backend() as unknown as TracedBackend;
}
