import type { GraphDtype } from '../dtypes.ts';
import type { NodeAttributes } from '../node-def.ts';
import type { Scope, Value } from '../scope.ts';

/** Adds an operation that gives one tensor. */
export function oneOutput(
  scope: Scope,
  op: string,
  inputs: readonly Value[],
  attributes: NodeAttributes,
  dtype: GraphDtype,
  shape: readonly number[],
): Value {
  const [value] = scope.op(op, inputs, attributes, [{ dtype, shape }]);
  return value as Value;
}
