interface Timed {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Virtual time: events run one by one in the order of their times, and those of one time in the order of their making. */
export class Clock {
  nowMs = 0;
  readonly #heap: Timed[] = [];
  #order = 0;

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    let at = heap.push({ atMs: this.nowMs + delayMs, order: this.#order++, run }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap[at]!, heap[parent]!)) break;
      [heap[at], heap[parent]] = [heap[parent]!, heap[at]!];
      at = parent;
    }
  }

  /** Runs the next event. @returns false when there is none */
  step(): boolean {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return false;
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    this.nowMs = first.atMs;
    first.run();
    return true;
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0; ;) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let least = at;
      if (left < heap.length && isBefore(heap[left]!, heap[least]!)) least = left;
      if (right < heap.length && isBefore(heap[right]!, heap[least]!)) least = right;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least]!, heap[at]!];
      at = least;
    }
  }
}

function isBefore(a: Timed, b: Timed): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
