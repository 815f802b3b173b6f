/** A binary heap. */
export interface PriorityQueue<T> {
  push(item: T): void;
  /** Takes out the item that comes before all others; undefined when empty. */
  pop(): T | undefined;
  /** The item that would be taken out. */
  peek(): T | undefined;
}

/** A queue whose first item is the one that `precedes` all others. */
export function createPriorityQueue<T>(precedes: (a: T, b: T) => boolean): PriorityQueue<T> {
  const heap: T[] = [];
  return {
    push: (item) => {
      let hole = heap.push(item) - 1;
      while (hole > 0) {
        const parent = (hole - 1) >> 1;
        const above = heap[parent] as T;
        if (!precedes(item, above)) break;
        heap[hole] = above;
        hole = parent;
      }
      heap[hole] = item;
    },
    pop: () => {
      const first = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || last === undefined) return first;
      let hole = 0;
      for (let child = 1; child < heap.length; child = 2 * hole + 1) {
        const right = child + 1;
        if (right < heap.length && precedes(heap[right] as T, heap[child] as T)) child = right;
        const below = heap[child] as T;
        if (!precedes(below, last)) break;
        heap[hole] = below;
        hole = child;
      }
      heap[hole] = last;
      return first;
    },
    peek: () => heap[0],
  };
}
