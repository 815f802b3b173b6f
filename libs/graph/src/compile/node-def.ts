import { graphDtypes, type GraphDtype } from './dtypes.ts';
import {
  bytesField,
  floatField,
  intField,
  mapEntry,
  merge,
  packedIntField,
  stringField,
  type Message,
} from './protobuf.ts';

/** A constant's elements as TensorFlow stores them: little-endian, row-major. */
export interface ConstantTensor {
  readonly dtype: GraphDtype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An attribute of a node, named by its kind; lists are written as arrays. */
export type NodeAttribute =
  | { readonly bool: boolean | readonly boolean[] }
  | { readonly int: number | readonly number[] }
  | { readonly float: number | readonly number[] }
  | { readonly string: string | readonly string[] }
  | { readonly dtype: GraphDtype | readonly GraphDtype[] }
  | { readonly shape: readonly number[] }
  | { readonly tensor: ConstantTensor }
  | { readonly func: string };
export type NodeAttributes = Readonly<Record<string, NodeAttribute>>;

/** An operation of a graph. Inputs are references in the syntax of the scope that holds the node. */
export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: NodeAttributes;
}

/** node_def.proto */
export function encodeNode({ name, op, inputs, attributes }: NodeDef): Message {
  return merge([
    stringField(1, name),
    stringField(2, op),
    ...inputs.map((input) => stringField(3, input)),
    ...encodeAttributes(5, attributes),
  ]);
}

/** Entries of a `map<string, AttrValue>` field, sorted by name. */
function encodeAttributes(field: number, attributes: NodeAttributes): Message[] {
  return Object.entries(attributes)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, attribute]) => mapEntry(field, name, encodeAttribute(attribute)));
}

/** tensor_shape.proto */
export function encodeShape(shape: readonly number[]): Message {
  return merge(shape.map((size) => bytesField(2, intField(1, size))));
}

/** attr_value.proto */
function encodeAttribute(attribute: NodeAttribute): Message {
  if ('string' in attribute) return scalarOrList(attribute.string, 2, stringField);
  if ('int' in attribute) return scalarOrPackedList(attribute.int, 3, Number);
  if ('float' in attribute) return scalarOrList(attribute.float, 4, floatField);
  if ('bool' in attribute) return scalarOrPackedList(attribute.bool, 5, Number);
  if ('dtype' in attribute)
    return scalarOrPackedList(attribute.dtype, 6, (name) => graphDtypes[name]);
  if ('shape' in attribute) return bytesField(7, encodeShape(attribute.shape));
  if ('tensor' in attribute) return bytesField(8, encodeTensor(attribute.tensor));
  return bytesField(10, stringField(1, attribute.func));
}

/** A list uses the field's own number inside the `list` field. */
function scalarOrList<T>(
  value: T | readonly T[],
  field: number,
  encode: (field: number, value: T) => Message,
): Message {
  if (!isList(value)) return encode(field, value);
  return bytesField(1, merge(value.map((item) => encode(field, item))));
}

function scalarOrPackedList<T>(
  value: T | readonly T[],
  field: number,
  toNumber: (value: T) => number,
): Message {
  if (!isList(value)) return intField(field, toNumber(value));
  return bytesField(1, packedIntField(field, value.map(toNumber)));
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

/** tensor.proto */
function encodeTensor({ dtype, shape, bytes }: ConstantTensor): Message {
  return merge([
    intField(1, graphDtypes[dtype]),
    bytesField(2, encodeShape(shape)),
    bytesField(4, bytes),
  ]);
}
