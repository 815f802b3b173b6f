import type { MetricsLine } from '@berth/contracts';

/** Times of the phases of a step, as far as they are known. */
export type StepPhases = Pick<
  MetricsLine,
  'dataMs' | 'computeMs' | 'reduceMs' | 'commitMs' | 'applyMs'
>;

/** Upper bounds in seconds, from a tiny model's step to a slow store. */
export const stepBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export function phasesOf(times: StepPhases): [phase: string, durationMs: number][] {
  const phases: [string, number | undefined][] = [
    ['data', times.dataMs],
    ['compute', times.computeMs],
    ['reduce', times.reduceMs],
    ['commit', times.commitMs],
    ['apply', times.applyMs],
  ];
  return phases.filter((phase): phase is [string, number] => phase[1] !== undefined);
}
