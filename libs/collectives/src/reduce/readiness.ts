import { markChanged, readyFrom, type ReadyMark } from '@berth/contracts';

/** A mark is looked at again after this, so that a round that has failed is let go of. */
const lookMs = 1_000;

interface Waiter {
  readonly firstElement: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What of this member's contribution is there, for those that wait for it. */
export class Readiness {
  readonly #mark: ReadyMark | undefined;
  #failure: Error | undefined;
  #waiters: Waiter[] = [];

  /** @param mark - left out when all is there */
  constructor(mark?: ReadyMark) {
    this.#mark = mark;
    if (mark !== undefined) void this.#watch(mark);
  }

  /** Whether all elements from this one on are there. */
  has(firstElement: number): boolean {
    return this.#mark === undefined || readyFrom(this.#mark) <= firstElement;
  }

  /** Resolves once all elements from this one on are there; rejects with the error given to `fail`. */
  reach(firstElement: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.has(firstElement)) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ firstElement, resolve, reject }));
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiters.splice(0)) reject(this.#failure);
  }

  async #watch(mark: ReadyMark): Promise<void> {
    while (this.#failure === undefined) {
      const seen = readyFrom(mark);
      const reached = this.#waiters.filter(({ firstElement }) => seen <= firstElement);
      this.#waiters = this.#waiters.filter(({ firstElement }) => seen > firstElement);
      for (const { resolve } of reached) resolve();
      if (seen === 0) return;
      await markChanged(mark, seen, lookMs);
    }
  }
}
