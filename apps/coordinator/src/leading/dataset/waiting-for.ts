/** Why nobody reads the data yet, for people. */
export function waitingFor(numWorkers: number): string {
  return numWorkers === 0
    ? 'waiting for a worker to start: it is to read the data'
    : `waiting for ${numWorkers === 1 ? 'the worker' : `one of ${numWorkers} workers`} to read the data`;
}
