import { bf16PaddedLength, type ParameterSpec, type AllReduceDtype } from '@berth/contracts';
import { ops, type Graph, type GraphVariable, type Value } from '@berth/graph';
import { joinParts, splitParts, type GraphParameter } from './graph-parameters.ts';

/**
 * Where gradients are added up inside the session: the sum of the virtual rank at work, and one partial sum per level of the
 * canonical tree, like the digits of a binary counter. Each holds every parameter's gradient and the step sums. Reduced in
 * bf16, every node of the tree is rounded, but for the step sums. What changes sums comes as statements to run, one for each
 * parameter and the last for the step sums.
 */
export class GradientStore {
  /** Levels a block can have: log2 of its longest length. */
  readonly numLevels: number;
  readonly #allReduceDtype: AllReduceDtype;
  readonly #graph: Graph;
  readonly #parameters: readonly GraphParameter[];
  readonly #current: readonly GraphVariable[];
  readonly #levels: readonly (readonly GraphVariable[])[];

  constructor(
    graph: Graph,
    parameters: readonly GraphParameter[],
    {
      numLevels,
      allReduceDtype,
    }: { readonly numLevels: number; readonly allReduceDtype: AllReduceDtype },
    numSums: number,
  ) {
    this.#allReduceDtype = allReduceDtype;
    this.#graph = graph;
    this.#parameters = parameters;
    this.numLevels = numLevels;
    const shapes = [...parameters.map(({ shape }) => shape), [numSums]];
    const variables = (name: string): GraphVariable[] =>
      shapes.map((shape, index) => graph.variable(`${name}/${index}`, { dtype: 'float32', shape }));
    this.#current = variables('gradient');
    this.#levels = Array.from({ length: numLevels }, (_, level) => variables(`partial/${level}`));
  }

  /** The current sum: gradients of all parameters, then the step sums. */
  read(): { readonly gradients: readonly Value[]; readonly sums: Value } {
    const values = this.#current.map((variable) => this.#graph.read(variable));
    return { gradients: values.slice(0, -1), sums: values.at(-1) as Value };
  }

  /** Makes a micro-batch's gradient the current sum. */
  start(gradients: readonly Value[]): Value[] {
    return this.#current.map((sum, index) => this.#graph.assign(sum, at(gradients, index)));
  }

  /** Adds a micro-batch's gradient to the current sum. */
  accumulate(gradients: readonly Value[]): Value[] {
    return this.#current.map((sum, index) => this.#graph.assignAdd(sum, at(gradients, index)));
  }

  /** Adds a level to the current sum. */
  carry(level: number): Value[] {
    return this.#current.map((sum, index) =>
      this.#graph.assign(sum, this.#withLevel(level, index)),
    );
  }

  /** Keeps the current sum in a level, together with the one below. Those below that have been carried. */
  keep(level: number): Value[] {
    const target = this.#levels[level] ?? [];
    return target.map((sum, index) => this.#graph.assign(sum, this.#withLevel(level - 1, index)));
  }

  /** Rounds the current sum as one that travels. */
  round(): Value[] {
    return this.#current.map((sum, index) => this.#graph.assign(sum, this.#own(index)));
  }

  /** The current sum by the layout's names, in the all-reduce dtype, and the step sums. */
  readParts(): Record<string, Value> {
    const { gradients, sums } = this.read();
    const dtype = this.#allReduceDtype === 'fp32' ? 'float32' : 'bfloat16';
    const parts = splitParts(this.#parameters, gradients);
    return {
      ...Object.fromEntries(parts.map(({ part, value }) => [part.name, ops.cast(value, dtype)])),
      sums,
    };
  }

  /** Makes gradients of the layout's parameters and step sums the current sum. */
  loadParts(valueOf: (part: ParameterSpec) => Value, sums: Value): Value[] {
    return this.start([...joinParts(this.#parameters, valueOf), sums]);
  }

  /** Number of int32 elements that hold a bf16 gradient, two each. */
  get numPairs(): number {
    return bf16PaddedLength(this.#numParameters) / 2;
  }

  /** As `loadParts`, from a flat bf16 gradient as int32, the only form of it that sessions take in. */
  loadPairs(pairs: Value, sums: Value): Value[] {
    const flat = ops.reshape(ops.bitcast(pairs, 'bfloat16'), [-1]);
    return this.loadParts(
      ({ offset, size, shape }) =>
        ops.reshape(ops.cast(ops.slice(flat, [offset], [size]), 'float32'), shape),
      sums,
    );
  }

  /** The current sum as it travels, in pieces of 32-bit elements. */
  flatPieces(): Value[] {
    const { gradients, sums } = this.read();
    const flat = splitParts(this.#parameters, gradients).map(({ value }) =>
      ops.reshape(value, [-1]),
    );
    if (this.#allReduceDtype === 'fp32') return [...flat, sums];
    const numPadding = 2 * this.numPairs - this.#numParameters;
    const padding = ops.full(this.#graph, 0, { dtype: 'float32', shape: [numPadding] });
    const halves = [...flat, ...(numPadding > 0 ? [padding] : [])].map((piece) =>
      ops.cast(piece, 'bfloat16'),
    );
    const pairs = ops.reshape(ops.concat(halves, 0), [-1, 2]);
    return [ops.bitcast(pairs, 'int32'), ops.bitcast(sums, 'int32')];
  }

  get #numParameters(): number {
    return this.#parameters.reduce(
      (total, { shape }) => total + shape.reduce((size, dimension) => size * dimension, 1),
      0,
    );
  }

  /** One addition: TensorFlow changes the order of several in one run, as if they were exact. */
  #withLevel(level: number, index: number): Value {
    const own = this.#own(index);
    if (level < 0) return own;
    const lower = this.#graph.read(at(at(this.#levels, level), index));
    return this.#node(ops.add(lower, own), index);
  }

  #own(index: number): Value {
    return this.#node(this.#graph.read(at(this.#current, index)), index);
  }

  /** A node of the tree as it would travel. */
  #node(sum: Value, index: number): Value {
    if (this.#allReduceDtype === 'fp32' || index === this.#parameters.length) return sum;
    return ops.cast(ops.cast(sum, 'bfloat16'), 'float32');
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}
