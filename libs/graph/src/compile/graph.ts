import { graphDtypes, type TensorSpec } from './dtypes.ts';
import { FunctionBody } from './function-body.ts';
import { encodeNode, encodeShape } from './node-def.ts';
import { bytesField, intField, mapEntry, merge, stringField, type Message } from './protobuf.ts';
import { Scope, type NodeOptions, type Value } from './scope.ts';

/** A tensor that lives in a session and keeps its value between runs. */
export interface GraphVariable extends TensorSpec {
  readonly name: string;
  readonly handle: Value;
}

/** A function of tensors: one library function, compiled once by XLA, called by as many nodes as there are calls. */
export type BlockBody = (...args: Value[]) => readonly Value[];

/** One way to run a graph: tensors to feed, tensors to fetch, by name. */
export interface Signature {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
}

/** A tensor that a run feeds or fetches: `node:index`. */
export interface Endpoint extends TensorSpec {
  readonly name: string;
}

/** How to run a graph once it is loaded. Plain data. */
export type GraphEndpoints = Readonly<
  Record<
    string,
    {
      readonly inputs: Readonly<Record<string, Endpoint>>;
      readonly outputs: Readonly<Record<string, Endpoint>>;
    }
  >
>;

interface LibraryFunction {
  readonly name: string;
  readonly results: readonly TensorSpec[];
}

/** A TensorFlow graph under construction, with library functions, variables and signatures. */
export class Graph extends Scope {
  readonly #functions = new Map<string, LibraryFunction>();
  readonly #functionDefs: Message[] = [];
  readonly #namedSignatures = new Map<string, Signature>();

  /** A tensor that a run feeds. */
  placeholder(name: string, { dtype, shape }: TensorSpec): Value {
    const attributes = { dtype: { dtype }, shape: { shape } };
    return first(this.op('Placeholder', [], attributes, [{ dtype, shape }], { name }));
  }

  /** A variable; it has no value until a run assigns one. */
  variable(name: string, { dtype, shape }: TensorSpec): GraphVariable {
    const attributes = {
      dtype: { dtype },
      shape: { shape },
      shared_name: { string: name },
      container: { string: '' },
      allowed_devices: { string: [] },
      debug_name: { string: '' },
    };
    const handle: TensorSpec = { dtype: 'resource', shape: [] };
    return {
      name,
      dtype,
      shape,
      handle: first(this.op('VarHandleOp', [], attributes, [handle], { name })),
    };
  }

  /** A variable's value when the nodes in `after` have run. */
  read({ handle, dtype, shape }: GraphVariable, options: NodeOptions = {}): Value {
    return first(
      this.op('ReadVariableOp', [handle], { dtype: { dtype } }, [{ dtype, shape }], options),
    );
  }

  /** Gives a variable another value. Runs when a node that comes after it is fetched. */
  assign(variable: GraphVariable, value: Value, options: NodeOptions = {}): Value {
    const { dtype } = variable;
    const attributes = { dtype: { dtype }, validate_shape: { bool: false } };
    return this.statement('AssignVariableOp', [variable.handle, value], attributes, options);
  }

  /** Adds to a variable, in place. Runs when a node that comes after it is fetched. */
  assignAdd(variable: GraphVariable, value: Value): Value {
    const attributes = { dtype: { dtype: variable.dtype } };
    return this.statement('AssignAddVariableOp', [variable.handle, value], attributes);
  }

  /**
   * Gives values to whoever follows the run, as soon as they are there: see `GraphSession.runInStages`. Runs when a node that
   * comes after it is fetched.
   * @param run - a scalar that a run feeds; nothing is handed out where it is 0
   */
  handOut(run: Value, values: readonly Value[], options: NodeOptions = {}): Value {
    const attributes = { T: { dtype: values.map(({ dtype }) => dtype) } };
    return this.statement('BerthHandOut', [run, ...values], attributes, options);
  }

  /**
   * Calls a block. Its body is built at the first call with this name and these argument types and shapes; other calls
   * share it, so the name must stand for everything the body depends on besides its arguments.
   */
  call(name: string, body: BlockBody, args: readonly Value[]): Value[] {
    const specs = args.map(({ dtype, shape }) => ({ dtype, shape }));
    const key = JSON.stringify([name, specs]);
    const known =
      this.#functions.get(key) ??
      this.#define(name, key, (scope) => body(...scope.arguments), specs);
    return this.#callFunction('PartitionedCall', known, args);
  }

  /** Calls a block once that also writes variables, whose handles are among the arguments. */
  callWithEffects(
    name: string,
    body: (scope: FunctionBody) => readonly Value[],
    args: readonly Value[],
  ): Value[] {
    const specs = args.map(({ dtype, shape }) => ({ dtype, shape }));
    return this.#callFunction(
      'StatefulPartitionedCall',
      this.#define(name, name, body, specs),
      args,
    );
  }

  /** Adds a way to run the graph. */
  signature(name: string, signature: Signature): void {
    this.#namedSignatures.set(name, signature);
  }

  /** All signatures. */
  get endpoints(): GraphEndpoints {
    return Object.fromEntries(
      [...this.#namedSignatures].map(([name, { inputs, outputs }]) => [
        name,
        { inputs: endpointsOf(inputs), outputs: endpointsOf(outputs) },
      ]),
    );
  }

  /** The graph as the file saved_model.pb, which any TensorFlow can load (saved_model.proto, meta_graph.proto). */
  encode(): Message {
    const versions = intField(1, graphDefProducer);
    const graphDef = merge([
      ...this.nodes.map((node) => bytesField(1, encodeNode(node))),
      bytesField(2, merge(this.#functionDefs.map((def) => bytesField(1, def)))),
      bytesField(4, versions),
    ]);
    const metaGraph = merge([
      bytesField(1, stringField(4, servingTag)),
      bytesField(2, graphDef),
      ...[...this.#namedSignatures].map(([name, signature]) =>
        mapEntry(5, name, encodeSignature(signature)),
      ),
    ]);
    return merge([intField(1, 1), bytesField(2, metaGraph)]);
  }

  protected override reference(value: Value): string {
    const { node, index } = this.own(value);
    return index === 0 ? node : `${node}:${index}`;
  }

  #define(
    name: string,
    key: string,
    build: (scope: FunctionBody) => readonly Value[],
    specs: readonly TensorSpec[],
  ): LibraryFunction {
    const scope = new FunctionBody(specs);
    const results = build(scope);
    const unique = this.#functions.size === 0 ? name : `${name}_${this.#functions.size}`;
    this.#functionDefs.push(scope.encode(unique, results));
    const defined = {
      name: unique,
      results: results.map(({ dtype, shape }) => ({ dtype, shape })),
    };
    this.#functions.set(key, defined);
    return defined;
  }

  #callFunction(
    op: 'PartitionedCall' | 'StatefulPartitionedCall',
    { name, results }: LibraryFunction,
    args: readonly Value[],
  ): Value[] {
    const attributes = {
      f: { func: name },
      Tin: { dtype: args.map(({ dtype }) => dtype) },
      Tout: { dtype: results.map(({ dtype }) => dtype) },
      // On the call: on the function alone it would run uncompiled, silently.
      _XlaMustCompile: { bool: true },
    };
    return this.op(op, args, attributes, results);
  }
}

/** The tag under which the graph is loaded. */
export const servingTag = 'serve';

/** Graph format of TensorFlow 2.21; older readers refuse newer ones (versions.h). */
const graphDefProducer = 2_000;

function endpointName({ node, index }: Value): string {
  return `${node}:${index}`;
}

function endpointsOf(values: Readonly<Record<string, Value>>): Record<string, Endpoint> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const { dtype, shape } = value;
      return [key, { name: endpointName(value), dtype, shape }];
    }),
  );
}

/** meta_graph.proto: SignatureDef */
function encodeSignature({ inputs, outputs }: Signature): Message {
  const tensorInfos = (field: number, values: Readonly<Record<string, Value>>): Message[] =>
    Object.entries(values).map(([name, value]) => mapEntry(field, name, encodeTensorInfo(value)));
  return merge([
    ...tensorInfos(1, inputs),
    ...tensorInfos(2, outputs),
    stringField(3, 'tensorflow/serving/predict'),
  ]);
}

function encodeTensorInfo(value: Value): Message {
  return merge([
    stringField(1, endpointName(value)),
    intField(2, graphDtypes[value.dtype]),
    bytesField(3, encodeShape(value.shape)),
  ]);
}

function first(values: readonly Value[]): Value {
  const [value] = values;
  if (value === undefined) throw new RangeError('the operation has no output');
  return value;
}
