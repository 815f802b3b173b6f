import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StateVectors } from '@berth/contracts';

const chunkElements = 4 << 20;

/**
 * Memory for the states of saves, shared with other threads and used again: fresh pages would let training wait several times
 * as long for a copy.
 */
export class SnapshotMemory {
  readonly #numElements: number;
  readonly #free: StateVectors[] = [];
  readonly #made = new Set<StateVectors>();
  #lent: StateVectors | undefined;

  constructor(numElements: number) {
    this.#numElements = numElements;
  }

  /** For the next state; the same again until it is taken. */
  lend(): StateVectors {
    this.#lent ??= this.#free.pop() ?? this.#make();
    return this.#lent;
  }

  /** If it is what was lent, it holds a state from now on. */
  take({ weights }: StateVectors): void {
    if (weights === this.#lent?.weights) this.#lent = undefined;
  }

  /** The state in there is no longer needed. */
  giveBack(vectors: StateVectors): void {
    const own = [...this.#made].find(({ weights }) => weights === vectors.weights);
    if (own !== undefined && !this.#free.includes(own)) this.#free.push(own);
  }

  /** Has memory ready for one state more, its pages too, so that nobody waits for them later. */
  async prepare(): Promise<void> {
    if (this.#free.length > 0 || this.#lent !== undefined) return;
    const vectors = this.#make();
    for (const vector of [vectors.weights, vectors.firstMoments, vectors.secondMoments])
      for (let start = 0; start < vector.length; start += chunkElements) {
        vector.fill(0, start, start + chunkElements);
        await nextTurn();
      }
    this.#free.push(vectors);
  }

  #make(): StateVectors {
    const vector = (): Float32Array =>
      new Float32Array(new SharedArrayBuffer(4 * this.#numElements));
    const vectors = { weights: vector(), firstMoments: vector(), secondMoments: vector() };
    this.#made.add(vectors);
    return vectors;
  }
}
