const gibibyte = 2 ** 30;
/** Weights and two moments, in fp32. */
const stateBytes = 12;
/** A save is taken to be no slower until one was measured. */
const saveBytesPerSecond = 25e6;
/** What Kubernetes gives a pod by default, and what nobody should have to wait for. */
const shortestSeconds = 30;
const longestSeconds = 3600;

/**
 * From when a pod is told to end until it is killed: two saves, the one under way and its own last step's, and some seconds.
 * @param saveMs - what saving the newest checkpoint took, if it is known
 */
export function graceSecondsFor(numParameters: number, saveMs?: number): number {
  const saveSeconds =
    saveMs === undefined ? (stateBytes * numParameters) / saveBytesPerSecond : saveMs / 1000;
  return Math.min(longestSeconds, Math.max(shortestSeconds, Math.ceil(2 * saveSeconds + 10)));
}

/** What a worker asks for when nobody has measured it: the process, and ten copies of the parameters. */
export function memoryFor(numParameters: number): string {
  return `${Math.max(2, Math.ceil(1 + (40 * numParameters) / gibibyte))}Gi`;
}
