import { BerthError } from '@berth/contracts';
import type { AddonAttribute } from '../addon.ts';
import { dtypeOf, type GraphDtype, type TensorSpec } from './dtypes.ts';
import type { Graph } from './graph.ts';
import { HostTensors } from './host-tensors.ts';
import type { NodeAttribute } from './node-def.ts';
import type { Scope, Value } from './scope.ts';
import type { TensorHandle, TracedBinding } from './session-binding.ts';

/** The size of these operations' results depends on values, so the result of one run says nothing of the next. */
const dynamicOps = new Set([
  'NonMaxSuppressionV3',
  'NonMaxSuppressionV4',
  'NonMaxSuppressionV5',
  'Unique',
  'UniqueV2',
  'Where',
]);

/** What a scope knows of the addon's tensors, by their ids. */
interface Frame {
  readonly scope: Scope;
  readonly values: Map<number, Value>;
}

/** How a tensor that was there before comes into the graph; undefined for one that cannot. */
type Capture = (id: number) => (() => Value) | undefined;

/**
 * Writes down, as nodes of a graph, every operation that tfjs runs on the addon. Tensors that JavaScript makes meanwhile
 * become constants.
 */
export class Tracer {
  readonly #graph: Graph;
  readonly #binding: TracedBinding;
  readonly #capture: Capture;
  readonly #frames: Frame[];
  readonly #hostTensors: HostTensors;
  #isPaused = false;

  constructor(graph: Graph, binding: TracedBinding, capture: Capture) {
    this.#graph = graph;
    this.#binding = binding;
    this.#capture = capture;
    this.#hostTensors = new HostTensors(binding);
    this.#frames = [{ scope: graph, values: new Map() }];
  }

  /** The addon with its operations written down. */
  recordingBinding(): TracedBinding {
    const binding = this.#binding;
    const recorded: Partial<TracedBinding> = {
      executeOp: (name, attributes, inputs, numOutputs) => {
        if (this.#isPaused) return binding.executeOp(name, attributes, inputs, numOutputs);
        if (dynamicOps.has(name))
          throw cannotCompile(name, 'the size of its result depends on values');
        const values = inputs.map((id) => this.valueOf(id, `in the operation ${name}`));
        const outputs = binding.executeOp(name, attributes, inputs, numOutputs);
        this.#record(name, attributes, values, outputs);
        return outputs;
      },
      createTensor: (shape, dtype, data) => {
        const id = binding.createTensor(shape, dtype, data);
        this.#hostTensors.uploaded(id, shape, dtype, data);
        return id;
      },
      tensorDataSync: (id) => {
        if (this.#isPaused || this.#hostTensors.has(id)) return binding.tensorDataSync(id);
        throw cannotCompile(
          operationOf(this.valueOf(id, 'in JavaScript')),
          'its result is read in JavaScript (data, array, or an operation that tfjs runs on the host); ' +
            'what follows from values must stay in tensors',
        );
      },
      runSavedModel: () => {
        throw new BerthError(
          'INTERNAL',
          'a compiled function is called inside of one that is being compiled; call the plain function there',
        );
      },
    };
    return { ...allOf(binding), ...recorded };
  }

  /** Notes the elements of a tensor that JavaScript makes. */
  give(elements: unknown): void {
    this.#hostTensors.give(elements);
  }

  /** Says what a tensor of the addon is in the graph. */
  bind(id: number, value: Value): void {
    this.#frame.values.set(id, value);
  }

  /**
   * What a tensor of the addon is in the graph.
   * @param use - who uses it, or what for
   */
  valueOf(id: number, use: string): Value {
    const known = this.#frame.values.get(id);
    if (known !== undefined) return known;
    const captured = this.#capture(id);
    const isConstant = this.#hostTensors.has(id);
    if (!isConstant && this.#frames.length > 1 && (captured || this.#frames[0]!.values.has(id)))
      throw new BerthError(
        'INTERNAL',
        `a block uses a tensor that was computed outside of it (${use}); pass it as an argument`,
      );
    const value = captured?.() ?? this.#hostValue(id, use);
    this.bind(id, value);
    return value;
  }

  /** Runs a function of tensors as one library function of the graph, written down at the first call for these types. */
  block(name: string, inputs: readonly number[], run: () => readonly number[]): readonly number[] {
    if (this.#frames.length > 1 || this.#isPaused) return run();
    const use = `in the block ${name}`;
    const args = inputs.map((id) => this.valueOf(id, use));
    const results: { ids?: readonly number[] } = {};
    const body = (...inner: Value[]): readonly Value[] => {
      this.#frames.push({
        scope: inner[0]!.scope,
        values: new Map(inputs.map((id, index) => [id, inner[index]!])),
      });
      try {
        results.ids = run();
        return results.ids.map((id) => this.valueOf(id, use));
      } finally {
        this.#frames.pop();
      }
    };
    const values = this.#graph.call(name, body, args);
    results.ids ??= this.#silently(run);
    results.ids.forEach((id, index) => this.bind(id, values[index]!));
    return results.ids;
  }

  #hostValue(id: number, use: string): Value {
    const value = this.#hostTensors.constantOf(this.#frame.scope, id);
    if (value !== undefined) return value;
    throw new BerthError(
      'INTERNAL',
      `the function uses a tensor that was made before it (${use}); pass it as an input, or make it a variable`,
    );
  }

  get #frame(): Frame {
    return this.#frames.at(-1)!;
  }

  #silently<T>(action: () => T): T {
    this.#isPaused = true;
    try {
      return action();
    } finally {
      this.#isPaused = false;
    }
  }

  #record(
    op: string,
    attributes: readonly AddonAttribute[],
    inputs: readonly Value[],
    outputs: readonly TensorHandle[],
  ): void {
    const specs = outputs.map(({ dtype, shape }): TensorSpec => {
      const name = dtypeOf(dtype);
      if (name === undefined || name === 'resource')
        throw cannotCompile(op, `it gives a result of TensorFlow's type ${dtype}`);
      return { dtype: name, shape };
    });
    const encoded = Object.fromEntries(
      attributes.map((attribute) => [attribute.name, this.#encode(op, attribute)]),
    );
    const values = this.#frame.scope.op(op, inputs, encoded, specs);
    outputs.forEach(({ id }, index) => this.bind(id, values[index]!));
  }

  #encode(op: string, { name, type, value }: AddonAttribute): NodeAttribute {
    const {
      TF_ATTR_BOOL,
      TF_ATTR_FLOAT,
      TF_ATTR_INT,
      TF_ATTR_SHAPE,
      TF_ATTR_STRING,
      TF_ATTR_TYPE,
    } = this.#binding;
    const dtype = (number: number): GraphDtype => {
      const found = dtypeOf(number);
      if (found !== undefined) return found;
      throw cannotCompile(op, `its attribute ${name} is TensorFlow's type ${number}`);
    };
    switch (type) {
      case TF_ATTR_BOOL:
        return { bool: value as boolean };
      case TF_ATTR_FLOAT:
        return { float: value as number };
      case TF_ATTR_INT:
        return { int: value as number };
      case TF_ATTR_SHAPE:
        return { shape: value as number[] };
      case TF_ATTR_STRING:
        return { string: value as string };
      case TF_ATTR_TYPE:
        return {
          dtype: Array.isArray(value) ? value.map(Number).map(dtype) : dtype(Number(value)),
        };
      default:
        throw cannotCompile(op, `its attribute ${name} is of unknown kind ${type}`);
    }
  }
}

/** The addon's functions and numbers, which it does not list as its own. */
function allOf(binding: TracedBinding): TracedBinding {
  return Object.fromEntries(
    Object.getOwnPropertyNames(binding).map((name) => [name, binding[name as keyof TracedBinding]]),
  ) as unknown as TracedBinding;
}

/** The operation that gives a value, or the name of an input. */
function operationOf(value: Value): string {
  const op = value.scope.operationOf(value);
  return op === undefined || op === 'Placeholder' ? value.node : op;
}

function cannotCompile(op: string, reason: string): BerthError {
  return new BerthError('INTERNAL', `the operation ${op} cannot be compiled: ${reason}`);
}
