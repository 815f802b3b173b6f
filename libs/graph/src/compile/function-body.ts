import { BerthError } from '@berth/contracts';
import { graphDtypes, type TensorSpec } from './dtypes.ts';
import { encodeNode } from './node-def.ts';
import { outputReference } from './op-outputs.ts';
import { bytesField, intField, mapEntry, merge, stringField, type Message } from './protobuf.ts';
import { Scope, type Value } from './scope.ts';

/** The body of a library function under construction. */
export class FunctionBody extends Scope {
  readonly arguments: readonly Value[];
  /** Nodes that must run although nothing uses their result. */
  readonly #effects: string[] = [];
  readonly #reads = new Map<Value, Value>();

  constructor(specs: readonly TensorSpec[]) {
    super();
    this.arguments = specs.map((spec, index) =>
      this.value(this.claimName(`argument_${index}`), spec, 0),
    );
  }

  get isStateful(): boolean {
    return this.#effects.length > 0;
  }

  /** The value that the variable behind a resource argument has when the function starts. Read before you assign. */
  readVariable(resource: Value, { dtype, shape }: TensorSpec): Value {
    const attributes = { dtype: { dtype } };
    const [value] = this.op('ReadVariableOp', [resource], attributes, [{ dtype, shape }]);
    this.#reads.set(resource, value as Value);
    return value as Value;
  }

  /** Writes a value to the variable behind a resource argument, after it was read. */
  assign(resource: Value, value: Value): void {
    const attributes = { dtype: { dtype: value.dtype }, validate_shape: { bool: false } };
    const read = this.#reads.get(resource);
    const after = read === undefined ? [] : [read];
    this.#effects.push(
      this.statement('AssignVariableOp', [resource, value], attributes, { after }).node,
    );
  }

  /** function.proto: FunctionDef */
  encode(name: string, results: readonly Value[]): Message {
    const resultName = (index: number): string => `result_${index}`;
    const signature = merge([
      stringField(1, name),
      ...this.arguments.map((argument) => bytesField(2, argDef(argument.node, argument))),
      ...results.map((result, index) => bytesField(3, argDef(resultName(index), result))),
      intField(17, Number(this.isStateful)),
      ...this.#effects.map((node) => stringField(20, node)),
    ]);
    return merge([
      bytesField(1, signature),
      ...this.nodes.map((node) => bytesField(3, encodeNode(node))),
      ...results.map((result, index) => stringEntry(4, resultName(index), this.reference(result))),
      ...this.#effects.map((node) => stringEntry(6, node, node)),
    ]);
  }

  protected override reference(value: Value): string {
    const { node, index } = this.own(value);
    const op = this.operationOf(value);
    if (op === undefined) return node;
    const reference = outputReference(op, node, index);
    if (reference !== undefined) return reference;
    throw new BerthError(
      'INTERNAL',
      `the operation ${op} cannot be used in a block: its outputs are not listed in op-outputs.ts`,
    );
  }
}

/** op_def.proto: ArgDef */
function argDef(name: string, { dtype }: TensorSpec): Message {
  return merge([stringField(1, name), intField(3, graphDtypes[dtype])]);
}

/** An entry of a `map<string, string>` field. */
function stringEntry(field: number, key: string, value: string): Message {
  return mapEntry(field, key, new TextEncoder().encode(value));
}
