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

/** Cuts a flat vector in layout order into the graph's parameters. */
export function splitFlat(parameters: readonly GraphParameter[], flat: Value): Value[] {
  return parameters.map(({ parts }) => {
    const tensors = parts.map(({ offset, size, shape }) =>
      ops.reshape(ops.slice(flat, [offset], [size]), shape),
    );
    return ops.concat(tensors, tensors[0]!.shape.length - 1);
  });
}

/** Lays tensors of the graph's parameters end to end in layout order. */
export function joinFlat(
  parameters: readonly GraphParameter[],
  tensors: readonly Value[],
): Value[] {
  const pieces = parameters.flatMap(({ parts }, index) => {
    const tensor = tensors[index]!;
    const cut = ops.split(tensor, tensor.shape.length - 1, parts.length);
    return parts.map(({ offset }, part) => ({ offset, flat: ops.reshape(cut[part]!, [-1]) }));
  });
  return pieces.sort((a, b) => a.offset - b.offset).map(({ flat }) => flat);
}
