export const runStatuses = [
  'queued',
  'preparing',
  'starting',
  'running',
  'degraded',
  'recovering',
  'pausing',
  'paused',
  'stopping',
  'stopped',
  'completed',
  'failed',
] as const;
export type RunStatus = (typeof runStatuses)[number];

const finalStatuses: readonly RunStatus[] = ['paused', 'stopped', 'completed', 'failed'];

/** True when nothing more will happen unless someone resumes the run. */
export function isFinal(status: RunStatus): boolean {
  return finalStatuses.includes(status);
}
