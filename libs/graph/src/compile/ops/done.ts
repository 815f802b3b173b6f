import type { Scope, Value } from '../scope.ts';
import { full } from './constants.ts';

/** A scalar that exists when the given nodes have run: fetch it to run them. */
export function done(scope: Scope, after: readonly Value[]): Value {
  const zero = full(scope, 0);
  const attributes = { T: { dtype: 'float32' } } as const;
  const [value] = scope.op('Identity', [zero], attributes, [zero], { after, name: 'done' });
  return value as Value;
}
