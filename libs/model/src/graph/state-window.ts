import { DigestMemory } from '@berth/collectives';
import { numStateSlices, stateRange, type ParameterSpec, type StateRange } from '@berth/contracts';
import { ops, type Graph, type GraphSession, type TensorData, type Value } from '@berth/graph';
import type { GraphParameter } from './graph-parameters.ts';
import type { ParameterVariables } from './update.ts';

const kinds = ['weight', 'firstMoment', 'secondMoment'] as const;
const signature = 'read_window';

/** Where one of the layout's parameters is. */
interface Place {
  readonly part: ParameterSpec;
  /** Position of its variable. */
  readonly parameter: number;
  /** Whether others share the variable, side by side; then its columns begin at `column`. */
  readonly isJoined: boolean;
  readonly column: number;
  readonly width: number;
}

/**
 * Reads slices of a state out of a session, and nothing else of it. One signature serves all slices, as TensorFlow takes long to
 * prepare each: a window of one length on the flat vectors, that of the longest slice, which begins anywhere.
 */
export class StateWindow {
  /** In layout order. */
  readonly #places: readonly Place[];
  readonly #numParameters: number;
  #memory: DigestMemory | undefined;

  constructor(parameters: readonly GraphParameter[]) {
    this.#places = placesOf(parameters);
    this.#numParameters = this.#places.reduce((total, { part }) => total + part.size, 0);
  }

  /** Adds the signature to the graph whose parameters these are. */
  addTo(graph: Graph, variables: readonly ParameterVariables[]): void {
    const numPlaces = this.#places.length;
    const input = (name: string, numColumns: number): Value =>
      graph.placeholder(name, { dtype: 'int32', shape: [numPlaces, numColumns] });
    const inputs = {
      rowBegins_P2: input('rowBegins_P2', 2),
      rowSizes_P2: input('rowSizes_P2', 2),
      begins_P1: input('begins_P1', 1),
      sizes_P1: input('sizes_P1', 1),
    };
    const [rowBegins, rowSizes, begins, sizes] = Object.values(inputs).map(ops.unstack) as [
      Value[],
      Value[],
      Value[],
      Value[],
    ];
    const windowOf = (kind: (typeof kinds)[number]): Value => {
      const pieces = this.#places.map(({ parameter, isJoined }, index) => {
        const value = graph.read(variables[parameter]![kind]);
        const matrix = ops.reshape(value, [-1, value.shape.at(-1) ?? 1]);
        const rows = isJoined ? cut(matrix, rowBegins[index]!, rowSizes[index]!) : matrix;
        return cut(flat(rows), begins[index]!, sizes[index]!);
      });
      return joined(pieces, this.#length);
    };
    const outputs = Object.fromEntries(kinds.map((kind) => [kind, windowOf(kind)]));
    graph.signature(signature, { inputs, outputs });
  }

  /** Adds a slice of the session's state to the two sums of its digest. */
  addToDigest(sums: Uint32Array, session: GraphSession, slice: number): void {
    const length = this.#length;
    const numParameters = this.#numParameters;
    this.#memory ??= new DigestMemory(kinds.length * length);
    const memory = this.#memory;
    const { start, end } = stateRange(numParameters, slice);
    const first = Math.min(start, numParameters - length);
    const targets = kinds.map((kind, place) => [
      kind,
      memory.words.subarray(place * length, (place + 1) * length),
    ]);
    const range = { start: first, end: first + length };
    session.runInto(signature, Object.fromEntries(targets), this.#inputsFor(range));
    for (const place of kinds.keys()) {
      const begin = place * length - first;
      memory.addTo(sums, begin + start, begin + end, place * numParameters + start);
    }
  }

  get #length(): number {
    return Math.ceil(this.#numParameters / numStateSlices);
  }

  /** Which elements of each parameter are in a range of the flat vector; of joined ones, of which rows. */
  #inputsFor({ start, end }: StateRange): Record<string, TensorData> {
    const rowBegins: number[] = [];
    const rowSizes: number[] = [];
    const begins: number[] = [];
    const sizes: number[] = [];
    for (const { part, isJoined, width, column } of this.#places) {
      const from = Math.min(part.size, Math.max(0, start - part.offset));
      const to = Math.min(part.size, Math.max(from, end - part.offset));
      const row = isJoined && to > from ? Math.floor(from / width) : 0;
      const numRows = to > from ? Math.ceil(to / width) - row : 0;
      rowBegins.push(row, column);
      rowSizes.push(numRows, width);
      begins.push(to > from ? from - row * width : 0);
      sizes.push(to - from);
    }
    return {
      rowBegins_P2: Int32Array.from(rowBegins),
      rowSizes_P2: Int32Array.from(rowSizes),
      begins_P1: Int32Array.from(begins),
      sizes_P1: Int32Array.from(sizes),
    };
  }
}

function placesOf(parameters: readonly GraphParameter[]): Place[] {
  const places = parameters.flatMap(({ parts, shape }, parameter) => {
    const width = (shape.at(-1) ?? 0) / parts.length;
    return parts.map((part, index) => ({
      part,
      parameter,
      isJoined: parts.length > 1,
      column: index * width,
      width,
    }));
  });
  return places.sort((a, b) => a.part.offset - b.part.offset);
}

/** As `ops.slice`, by bounds that are known when it runs; so is its shape. */
function cut(x: Value, begin: Value, size: Value): Value {
  const attributes = { T: { dtype: x.dtype }, Index: { dtype: 'int32' } } as const;
  return first(x.scope.op('Slice', [x, begin, size], attributes, [x]));
}

function flat(x: Value): Value {
  const attributes = { T: { dtype: x.dtype }, Tshape: { dtype: 'int32' } } as const;
  const spec = { dtype: x.dtype, shape: [-1] };
  return first(x.scope.op('Reshape', [x, ops.integers(x.scope, [-1])], attributes, [spec]));
}

/** Pieces of lengths that are known when it runs, end to end. */
function joined(pieces: readonly Value[], length: number): Value {
  const { scope, dtype } = first(pieces);
  const attributes = { N: { int: pieces.length }, T: { dtype }, Tidx: { dtype: 'int32' } } as const;
  const axis = ops.full(scope, 0, { dtype: 'int32' });
  const spec = { dtype, shape: [length] };
  return first(scope.op('ConcatV2', [...pieces, axis], attributes, [spec]));
}

function first(values: readonly Value[]): Value {
  const [value] = values;
  if (value === undefined) throw new RangeError('there is no value');
  return value;
}
