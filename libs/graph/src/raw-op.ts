import type { Tensor } from '@tensorflow/tfjs-core';
import type { AddonBackend, AddonAttribute } from './addon.ts';
import { graphDtypes, type GraphDtype } from './compile/dtypes.ts';

/** One attribute of an operation, named by its kind; lists are written as arrays. */
export type OpAttribute =
  | { readonly bool: boolean | readonly boolean[] }
  | { readonly int: number | readonly number[] }
  | { readonly float: number | readonly number[] }
  | { readonly string: string | readonly string[] }
  | { readonly dtype: GraphDtype | readonly GraphDtype[] }
  | { readonly shape: readonly number[] };
export type OpAttributes = Readonly<Record<string, OpAttribute>>;

/**
 * Runs one TensorFlow operation by name; `numOutputs` must be the operation's own. Outputs of type bfloat16 and float16
 * are fit only as inputs of further raw operations: tfjs calls them float32, and reading one throws.
 * @throws Error with TensorFlow's message when the operation, an attribute or a shape is wrong
 */
export type ExecuteOp = (
  name: string,
  attributes: OpAttributes,
  inputs: readonly Tensor[],
  numOutputs: number,
) => Tensor[];

/** Raw operations on a backend. */
export function rawOps(backend: AddonBackend): ExecuteOp {
  acceptHalfPrecision(backend);
  return (name, attributes, inputs, numOutputs) => {
    const encoded = Object.entries(attributes).map(([attribute, value]) =>
      encodeAttribute(backend, attribute, value),
    );
    return backend.executeMultipleOutputs(name, encoded, inputs, numOutputs);
  };
}

function encodeAttribute(
  { binding }: AddonBackend,
  name: string,
  attribute: OpAttribute,
): AddonAttribute {
  if ('bool' in attribute) return { name, type: binding.TF_ATTR_BOOL, value: attribute.bool };
  if ('int' in attribute) return { name, type: binding.TF_ATTR_INT, value: attribute.int };
  if ('float' in attribute) return { name, type: binding.TF_ATTR_FLOAT, value: attribute.float };
  if ('string' in attribute) return { name, type: binding.TF_ATTR_STRING, value: attribute.string };
  if ('shape' in attribute) return { name, type: binding.TF_ATTR_SHAPE, value: attribute.shape };
  const { dtype } = attribute;
  const value = typeof dtype === 'string' ? graphDtypes[dtype] : dtype.map(numberOf);
  return { name, type: binding.TF_ATTR_TYPE, value };
}

function numberOf(dtype: GraphDtype): number {
  return graphDtypes[dtype];
}

/** tfjs has no name for these types and would refuse the handle. */
function acceptHalfPrecision(backend: AddonBackend): void {
  const original = backend.createOutputTensor.bind(backend);
  const opaque: readonly number[] = [graphDtypes.bfloat16, graphDtypes.float16];
  backend.createOutputTensor = (metadata) =>
    original(
      opaque.includes(metadata.dtype) ? { ...metadata, dtype: graphDtypes.float32 } : metadata,
    );
}
