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
}

export function tracedBackend({ tf }: TensorFlow): TracedBackend {
  return tf.backend() as unknown as TracedBackend;
}

export function sessionBinding(tensorFlow: TensorFlow): SessionBinding {
  return tracedBackend(tensorFlow).binding;
}
