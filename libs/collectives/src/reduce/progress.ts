interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A count that only grows, and that others can wait for. */
export class Progress {
  #count = 0;
  #failure: Error | undefined;
  #waiters: Waiter[] = [];

  get count(): number {
    return this.#count;
  }

  advance(): void {
    this.#count += 1;
    const reached = this.#waiters.filter(({ count }) => count <= this.#count);
    if (reached.length === 0) return;
    this.#waiters = this.#waiters.filter(({ count }) => count > this.#count);
    for (const { resolve } of reached) resolve();
  }

  /** Resolves once the count is at least `count`; rejects with the error given to `fail`. */
  reach(count: number): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (count <= this.#count) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ count, resolve, reject }));
  }

  fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiters.splice(0)) reject(this.#failure);
  }
}
