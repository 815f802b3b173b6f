import { BerthError, type ParameterSpec } from '@berth/contracts';

/** A tensor of a Hugging Face BertForPreTraining state dict. */
export interface HuggingFaceTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What a parameter is called there, and whether its two dimensions are swapped. */
export interface HuggingFaceName {
  readonly name: string;
  readonly transposed: boolean;
}

/** Maps one of Google's names to Hugging Face's (docs/bert.md#hugging-face). */
export function huggingFaceName(googleName: string): HuggingFaceName {
  const name = googleName
    .replace('cls/predictions/output_bias', 'cls/predictions/bias')
    .replace('output_weights', 'weight')
    .replace('output_bias', 'bias')
    .replace(/layer_(\d+)/, 'layer/$1')
    .replace(/kernel$|gamma$/, 'weight')
    .replace(/beta$/, 'bias')
    .replace(/_embeddings$/, '_embeddings/weight')
    .replaceAll('/', '.');
  return { name, transposed: googleName.endsWith('/kernel') };
}

/** The state dict of a flat weight vector; copies. The tied decoder is not written twice. */
export function toHuggingFace(
  layout: readonly ParameterSpec[],
  flat: Float32Array,
): Map<string, HuggingFaceTensor> {
  return new Map(
    layout.map((spec) => {
      const { name, transposed } = huggingFaceName(spec.name);
      const values = flat.subarray(spec.offset, spec.offset + spec.size);
      const data = transposed ? transpose(values, spec.shape) : values.slice();
      return [name, { shape: transposed ? spec.shape.toReversed() : spec.shape, data }];
    }),
  );
}

/**
 * The flat weight vector of a state dict; other tensors in it are ignored.
 * @throws BerthError `CHECKPOINT_MISMATCH` when a tensor is missing or has another shape
 */
export function fromHuggingFace(
  layout: readonly ParameterSpec[],
  tensors: ReadonlyMap<string, HuggingFaceTensor>,
): Float32Array {
  const last = layout.at(-1);
  const flat = new Float32Array(last === undefined ? 0 : last.offset + last.size);
  for (const spec of layout) {
    const { name, transposed } = huggingFaceName(spec.name);
    const shape = transposed ? spec.shape.toReversed() : spec.shape;
    const tensor = tensors.get(name);
    if (tensor === undefined || tensor.shape.join() !== shape.join())
      throw new BerthError(
        'CHECKPOINT_MISMATCH',
        `state dict: ${name}: expected shape [${shape.join(', ')}], found ` +
          `${tensor === undefined ? 'no such tensor' : `[${tensor.shape.join(', ')}]`}; ` +
          'use the model section the weights were trained with',
        { details: { name } },
      );
    flat.set(transposed ? transpose(tensor.data, shape) : tensor.data, spec.offset);
  }
  return flat;
}

function transpose(values: Float32Array, shape: readonly number[]): Float32Array {
  const [numRows = 0, numColumns = 0] = shape;
  const result = new Float32Array(values.length);
  for (let row = 0; row < numRows; row++)
    for (let column = 0; column < numColumns; column++)
      result[column * numRows + row] = values[row * numColumns + column] ?? 0;
  return result;
}
