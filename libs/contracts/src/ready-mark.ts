/// <reference lib="es2024.sharedmemory" />

/**
 * How much of a gradient is where it belongs, told from the thread that computes it to the one that sends it: one number in shared
 * memory, that of the first element from which on all are there.
 */
export type ReadyMark = Int32Array<SharedArrayBuffer>;

/** Nobody computes the gradient yet: its memory may still be written to for the one before. */
const notBegun = 2 ** 31 - 1;
/** It is being computed, and nothing of it is there. Beyond all elements. */
export const nothingReady = notBegun - 1;

/** Of a gradient that nobody computes yet. */
export function newReadyMark(): ReadyMark {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(notBegun);
}

/** All elements from this one on are there. */
export function markReady(mark: ReadyMark, firstElement: number): void {
  Atomics.store(mark, 0, firstElement);
  Atomics.notify(mark, 0);
}

/** From which element on all are there. */
export function readyFrom(mark: ReadyMark): number {
  return Atomics.load(mark, 0);
}

/** Resolves once the mark is no more what was seen, or after `mostMs`. */
export async function markChanged(mark: ReadyMark, seen: number, mostMs: number): Promise<void> {
  await Atomics.waitAsync(mark, 0, seen, mostMs).value;
}
