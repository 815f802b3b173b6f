import { faultKinds, type FaultKind } from './plan.ts';
import type { FaultReport } from './recover-from.ts';

/** How a run recovered from the faults of one kind. */
export interface KindSummary {
  readonly kind: FaultKind;
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export function summarizeFaults(
  faults: readonly Pick<FaultReport, 'kind' | 'recoveredMs'>[],
): KindSummary[] {
  return faultKinds.flatMap((kind) => {
    const ofKind = faults.filter((fault) => fault.kind === kind);
    const times = ofKind.flatMap(({ recoveredMs }) => recoveredMs ?? []).sort((a, b) => a - b);
    if (ofKind.length === 0) return [];
    return { kind, count: ofKind.length, p50Ms: nearest(times, 0.5), p99Ms: nearest(times, 0.99) };
  });
}

export function describeKind({ kind, count, p50Ms, p99Ms }: KindSummary): string {
  const seconds = (ms: number | null): string =>
    ms === null ? 'not seen' : `${(ms / 1000).toFixed(2)} s`;
  const name = kind.padEnd(28);
  return `${name}${String(count).padStart(3)} times, recovered after p50 ${seconds(p50Ms)}, p99 ${seconds(p99Ms)}`;
}

/** Nearest rank: with fewer than a hundred values the 99th percentile is the largest. */
export function nearest(sorted: readonly number[], ratio: number): number | null {
  return sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)] ?? null;
}
