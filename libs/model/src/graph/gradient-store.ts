import { numStepSums, type ParameterSpec } from '@berth/contracts';
import { ops, type Graph, type GraphVariable, type Value } from '@berth/graph';
import { joinParts, namedParts, type GraphParameter } from './graph-parameters.ts';

/**
 * Where gradients are added up inside the session: the sum of the virtual rank at work, and one partial sum per level of the
 * canonical tree, like the digits of a binary counter. Each holds every parameter's gradient and the step sums.
 */
export class GradientStore {
  /** Levels a block can have: log2 of its longest length. */
  readonly numLevels: number;
  private readonly graph: Graph;
  private readonly parameters: readonly GraphParameter[];
  private readonly current: readonly GraphVariable[];
  private readonly levels: readonly (readonly GraphVariable[])[];

  constructor(graph: Graph, parameters: readonly GraphParameter[], numLevels: number) {
    this.graph = graph;
    this.parameters = parameters;
    this.numLevels = numLevels;
    const shapes = [...parameters.map(({ shape }) => shape), [numStepSums]];
    const variables = (name: string): GraphVariable[] =>
      shapes.map((shape, index) => graph.variable(`${name}/${index}`, { dtype: 'float32', shape }));
    this.current = variables('gradient');
    this.levels = Array.from({ length: numLevels }, (_, level) => variables(`partial/${level}`));
  }

  /** The current sum: gradients of all parameters, then the step sums. */
  read(): { readonly gradients: readonly Value[]; readonly sums: Value } {
    const values = this.current.map((variable) => this.graph.read(variable));
    return { gradients: values.slice(0, -1), sums: values.at(-1) as Value };
  }

  /** Makes a micro-batch's gradient the current sum. */
  start(gradients: readonly Value[]): Value {
    return this.run(this.current.map((sum, index) => this.graph.assign(sum, at(gradients, index))));
  }

  /** Adds a micro-batch's gradient to the current sum. */
  accumulate(gradients: readonly Value[]): Value {
    return this.run(
      this.current.map((sum, index) => this.graph.assignAdd(sum, at(gradients, index))),
    );
  }

  /** Adds the levels below to the current sum and keeps the result in this level. */
  keep(level: number): Value {
    const target = this.levels[level] ?? [];
    return this.run(target.map((sum, index) => this.graph.assign(sum, this.carried(level, index))));
  }

  /** Adds the levels below to the current sum, which it then is. */
  finish(level: number): Value {
    return this.run(
      this.current.map((sum, index) => this.graph.assign(sum, this.carried(level, index))),
    );
  }

  /** The current sum by the layout's names, and the step sums. */
  readParts(): Record<string, Value> {
    const { gradients, sums } = this.read();
    return { ...namedParts(this.parameters, gradients), sums };
  }

  /** Makes gradients of the layout's parameters and step sums the current sum. */
  loadParts(valueOf: (part: ParameterSpec) => Value, sums: Value): Value {
    return this.start([...joinParts(this.parameters, valueOf), sums]);
  }

  private carried(level: number, index: number): Value {
    const own = this.graph.read(at(this.current, index));
    return this.levels
      .slice(0, level)
      .reduce((sum, lower) => ops.add(this.graph.read(at(lower, index)), sum), own);
  }

  private run(statements: readonly Value[]): Value {
    return ops.done(this.graph, statements);
  }
}

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no item ${index}`);
  return item;
}
