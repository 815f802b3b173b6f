import type { ParameterSpec } from '@berth/contracts';
import { ops, type Value } from '@berth/graph';

/** A variable of the graph: one parameter, or query, key and value as one. */
export interface GraphParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly decayed: boolean;
  /** The parameters it holds, side by side along the last axis. */
  readonly parts: readonly ParameterSpec[];
}

const joinedKinds = ['query', 'key', 'value'] as const;
const selfAttention = /^(.*\/self)\/(query|key|value)\/(kernel|bias)$/;

/** The name of the joint projection's kernel or bias of a layer. */
export function jointName(scope: string, part: 'kernel' | 'bias'): string {
  return `${scope}/qkv/${part}`;
}

/** Joins each layer's query, key and value, which the model multiplies by the same matrix; all others stay as they are. */
export function graphParameters(layout: readonly ParameterSpec[]): readonly GraphParameter[] {
  const byName = new Map(layout.map((spec) => [spec.name, spec]));
  return layout.flatMap((spec): GraphParameter[] => {
    const [, scope = '', kind, part] = selfAttention.exec(spec.name) ?? [];
    if (kind === undefined) return [{ ...spec, parts: [spec] }];
    if (kind !== 'query') return [];
    const parts = joinedKinds.flatMap((other) => byName.get(`${scope}/${other}/${part}`) ?? []);
    const width = (spec.shape.at(-1) ?? 0) * parts.length;
    const name = jointName(scope, part as 'kernel' | 'bias');
    return [{ name, shape: [...spec.shape.slice(0, -1), width], decayed: spec.decayed, parts }];
  });
}

/** The graph's parameters from those of the layout. */
export function joinParts(
  parameters: readonly GraphParameter[],
  valueOf: (part: ParameterSpec) => Value,
): Value[] {
  return parameters.map(({ parts, shape }) => ops.concat(parts.map(valueOf), shape.length - 1));
}

/** The layout's parameters, in its order, from tensors of the graph's parameters. */
export function splitParts(
  parameters: readonly GraphParameter[],
  tensors: readonly Value[],
): { readonly part: ParameterSpec; readonly value: Value }[] {
  const pieces = parameters.flatMap(({ parts, shape }, index) => {
    const values = ops.split(tensors[index]!, shape.length - 1, parts.length);
    return parts.map((part, place) => ({ part, value: values[place]! }));
  });
  return pieces.sort((a, b) => a.part.offset - b.part.offset);
}

/** The layout's parameters by name, as a signature gives them. */
export function namedParts(
  parameters: readonly GraphParameter[],
  tensors: readonly Value[],
): Record<string, Value> {
  const pieces = splitParts(parameters, tensors);
  return Object.fromEntries(pieces.map(({ part, value }) => [part.name, value]));
}
