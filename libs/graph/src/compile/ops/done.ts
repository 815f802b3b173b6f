import type { Scope, Value } from '../scope.ts';
import { full } from './constants.ts';

/** A scalar that exists when the given nodes have run: fetch it to run them. */
export function done(scope: Scope, after: readonly Value[]): Value {
  const zero = full(scope, 0);
  const attributes = { T: { dtype: 'float32' } } as const;
  const [value] = scope.op('Identity', [zero], attributes, [zero], { after, name: 'done' });
  return value as Value;
}

/** The same value, which exists when the given nodes have run too. */
export function after(value: Value, nodes: readonly Value[]): Value {
  if (nodes.length === 0) return value;
  const attributes = { T: { dtype: value.dtype } } as const;
  const options = { after: nodes, name: 'after' };
  const [same] = value.scope.op('Identity', [value], attributes, [value], options);
  return same as Value;
}
