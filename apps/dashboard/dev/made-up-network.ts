import type { MetricsLine, NetworkReport, RunConfig, WorkerReport } from '@berth/contracts';

const numParameters: Readonly<Record<string, number>> = { mini: 5.7e6, base: 110e6 };

/** Workers on one machine of a made-up run, which share its link. */
export function workersAtOneHost({ cluster }: RunConfig): number {
  return cluster.numWorkers > 16 ? 4 : 1;
}

/** Of the link of each machine. */
export function linkOfHost(config: RunConfig): number {
  return workersAtOneHost(config) > 1 ? 25e9 : 10e9;
}

/** What the links of a made-up run allow. */
export function networkOf(
  config: RunConfig,
  alive: readonly WorkerReport[],
  { reduceMs }: MetricsLine,
): NetworkReport | undefined {
  const numMembers = alive.length;
  const numLinks = new Set(alive.map(({ host }) => host)).size;
  if (numLinks < 2) return undefined;
  const elementBytes = config.train.allReduceDtype === 'bf16' ? 2 : 4;
  const gradientBytes = elementBytes * (numParameters[config.model.size] ?? 30e6);
  const numHere = workersAtOneHost(config);
  const numBytes = (2 * numHere * (numMembers - numHere) * gradientBytes) / numMembers;
  const bitsPerSecond = linkOfHost(config);
  return {
    numMembers,
    numLinks,
    waitMs: reduceMs ?? null,
    lowest: { ms: (numBytes * 8_000) / bitsPerSecond, numBytes, bitsPerSecond },
    unknown: [],
  };
}
