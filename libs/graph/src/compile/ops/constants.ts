import { graphDtypes, type GraphDtype } from '../dtypes.ts';
import type { ConstantTensor } from '../node-def.ts';
import type { Scope, Value } from '../scope.ts';
import { oneOutput } from './one-output.ts';

/** One number in every element: a single value in the graph, whatever the shape. */
export function full(
  scope: Scope,
  value: number,
  { dtype = 'float32', shape = [] }: { dtype?: GraphDtype; shape?: readonly number[] } = {},
): Value {
  const scalar = constant(scope, { dtype, shape: [], bytes: encodeScalar(value, dtype) });
  if (shape.length === 0) return scalar;
  const attributes = { T: { dtype }, index_type: { dtype: 'int32' } } as const;
  return oneOutput(scope, 'Fill', [integers(scope, shape), scalar], attributes, dtype, shape);
}

/** A constant int32 vector. */
export function integers(scope: Scope, values: readonly number[]): Value {
  const bytes = new Uint8Array(Int32Array.from(values).buffer);
  return constant(scope, { dtype: 'int32', shape: [values.length], bytes });
}

export function constant(scope: Scope, tensor: ConstantTensor): Value {
  const { dtype, shape } = tensor;
  return oneOutput(scope, 'Const', [], { dtype: { dtype }, value: { tensor } }, dtype, shape);
}

/** 0, 1, ..., length - 1 as int32. */
export function range(scope: Scope, length: number): Value {
  const bounds = [0, length, 1].map((value) => full(scope, value, { dtype: 'int32' }));
  return oneOutput(scope, 'Range', bounds, { Tidx: { dtype: 'int32' } }, 'int32', [length]);
}

function encodeScalar(value: number, dtype: GraphDtype): Uint8Array {
  switch (dtype) {
    case 'float32':
      return new Uint8Array(Float32Array.of(value).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.of(value).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.of(value).buffer);
    case 'uint32':
      return new Uint8Array(Uint32Array.of(value).buffer);
    case 'bool':
    case 'uint8':
      return Uint8Array.of(value);
    default:
      throw new RangeError(`no constants of type ${dtype} (${graphDtypes[dtype]})`);
  }
}
