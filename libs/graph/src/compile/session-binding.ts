import type { TensorFlow } from '../tensorflow.ts';

/** Elements as the addon reads and writes them. */
export type TensorData = Float32Array | Int32Array | Uint8Array;

/** What the addon says of a tensor it holds. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
}

/** What sessions use of tfjs-node-gpu's addon. */
export interface SessionBinding {
  createTensor(shape: readonly number[], dtype: number, data: TensorData): number;
  deleteTensor(id: number): void;
  /** A view of the tensor's memory, which lives as long as the view. */
  tensorDataSync(id: number): TensorData;
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(
    model: number,
    inputs: readonly number[],
    inputNames: string,
    outputNames: string,
  ): TensorHandle[];
}

export function sessionBinding({ tf }: TensorFlow): SessionBinding {
  return (tf.backend() as unknown as { readonly binding: SessionBinding }).binding;
}
