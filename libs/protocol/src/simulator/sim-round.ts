import { sumContributions, type Contribution } from '@berth/collectives';
import type { DataFrame } from './frames.ts';

/** What one member has of a step: everyone's contributions, and the slices that they were summed to. */
export class SimRound {
  readonly #members: readonly string[];
  readonly #contributions = new Map<string, readonly Contribution[]>();
  readonly #slices = new Map<string, Float32Array>();

  constructor(members: readonly string[]) {
    this.#members = members;
  }

  contribute(from: string, blocks: readonly Contribution[]): void {
    this.#contributions.set(from, blocks);
  }

  keep(from: string, frame: DataFrame): void {
    if (frame.kind === 'contribution') this.contribute(from, frame.blocks);
    else this.#slices.set(from, frame.slice);
  }

  has(member: string): boolean {
    return this.#contributions.has(member) && this.#slices.has(member);
  }

  /** Sums a member's slice; undefined until all contributions are here, and when it has been summed. */
  sumSlice(member: string, inMemberOrder: boolean): Float32Array | undefined {
    const { length } = this.#members;
    if (this.#contributions.size < length || this.#slices.has(member)) return undefined;
    const parts = this.#members.map((other) => this.#contributions.get(other) ?? []);
    // In the wrong order, each member's own sum comes first, then one member after the other.
    const sum = inMemberOrder
      ? chain(parts.map((blocks) => chain(blocks.map(({ data }) => data))))
      : sumContributions(parts.flat());
    const position = this.#members.indexOf(member);
    const boundary = (index: number): number => Math.floor((index * sum.length) / length);
    const slice = sum.slice(boundary(position), boundary(position + 1));
    this.#slices.set(member, slice);
    return slice;
  }

  /** All slices in order. */
  get total(): Float32Array {
    const slices = this.#members.flatMap((member) => this.#slices.get(member) ?? []);
    const total = new Float32Array(slices.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const slice of slices) {
      total.set(slice, at);
      at += slice.length;
    }
    return total;
  }
}

function chain(vectors: readonly Float32Array[]): Float32Array {
  const [first, ...others] = vectors.filter((vector) => vector.length > 0);
  const sum = first === undefined ? new Float32Array() : first.slice();
  for (const vector of others)
    for (let index = 0; index < sum.length; index++) sum[index]! += vector[index]!;
  return sum;
}
