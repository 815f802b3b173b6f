import { BerthError } from '@berth/contracts';
import type { TensorSpec } from './dtypes.ts';
import type { NodeAttributes, NodeDef } from './node-def.ts';

/** A tensor that a graph will compute: its type and static shape, and where it comes from. */
export interface Value extends TensorSpec {
  readonly scope: Scope;
  /** The node, or in a function body the argument, that gives it. */
  readonly node: string;
  readonly index: number;
}

export interface NodeOptions {
  /** Nodes that must have run before this one. */
  readonly after?: readonly Value[];
  /** The node's name; made up when left out. */
  readonly name?: string;
}

/** Operations with memory or side effects: two equal ones are not one. */
const statefulOps = new Set([
  'AssignAddVariableOp',
  'AssignVariableOp',
  'BerthHandOut',
  'Multinomial',
  'NoOp',
  'Placeholder',
  'RandomStandardNormal',
  'RandomUniform',
  'ReadVariableOp',
  'StatefulPartitionedCall',
  'TruncatedNormal',
]);

/** A list of nodes under construction: a graph, or the body of a library function. Equal nodes are made once. */
export abstract class Scope {
  protected readonly nodes: NodeDef[] = [];
  readonly #names = new Set<string>();
  /** From which number on a name may be free. */
  readonly #nextNumbers = new Map<string, number>();
  /** Operation of each node, to name its outputs. */
  readonly #ops = new Map<string, string>();
  readonly #made = new Map<string, Value[]>();

  /** Adds any TensorFlow operation. All its attributes must be given, and the specs of all its outputs. */
  op(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    outputs: readonly TensorSpec[],
    options: NodeOptions = {},
  ): Value[] {
    const { after = [], name } = options;
    const references = [
      ...inputs.map((input) => this.reference(input)),
      ...after.map((value) => `^${this.own(value).node}`),
    ];
    const key = nodeKey(op, references, attributes);
    const known = statefulOps.has(op) || name !== undefined ? undefined : this.#made.get(key);
    if (known !== undefined) return known;
    const node = this.claimName(name ?? op);
    this.nodes.push({ name: node, op, inputs: references, attributes });
    this.#ops.set(node, op);
    const values = outputs.map((spec, index) => this.value(node, spec, index));
    this.#made.set(key, values);
    return values;
  }

  /** Adds an operation that gives nothing; the value returned only serves to come after it. */
  protected statement(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    options: NodeOptions = {},
  ): Value {
    const numNodes = this.nodes.length;
    this.op(op, inputs, attributes, [], options);
    return this.value(this.nodes[numNodes]?.name ?? '', { dtype: 'bool', shape: [] }, 0);
  }

  protected value(node: string, { dtype, shape }: TensorSpec, index: number): Value {
    return { dtype, shape, scope: this, node, index };
  }

  /** How a node of this scope names a value as its input. */
  protected abstract reference(value: Value): string;

  protected claimName(wanted: string): string {
    let name = wanted;
    let next = this.#nextNumbers.get(wanted) ?? 1;
    while (this.#names.has(name)) name = `${wanted}_${next++}`;
    this.#nextNumbers.set(wanted, next);
    this.#names.add(name);
    return name;
  }

  /** The operation that gives a value; undefined for an argument of a function. */
  operationOf({ node }: Value): string | undefined {
    return this.#ops.get(node);
  }

  protected own(value: Value): Value {
    if (value.scope === this) return value;
    throw new BerthError(
      'INTERNAL',
      `a value of ${value.node} is used outside of the graph or block that made it; pass it as an argument`,
    );
  }
}

function nodeKey(op: string, inputs: readonly string[], attributes: NodeAttributes): string {
  const parts = [op, inputs, attributes];
  // A replacer makes JSON several times slower, and few nodes have bytes.
  if (!Object.values(attributes).some((attribute) => 'tensor' in attribute))
    return JSON.stringify(parts);
  return JSON.stringify(parts, (_, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
  );
}
