/** Median milliseconds of a call, after a warm-up. */
export function medianMs(call: () => void, numCalls = 30): number {
  for (let index = 0; index < 3; index++) call();
  const times = Array.from({ length: numCalls }, () => {
    const start = performance.now();
    call();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[Math.floor(numCalls / 2)]!;
}
