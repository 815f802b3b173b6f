import { isComplete, listCheckpoints } from '@berth/checkpoint';
import type { ObjectStore, RunRecord } from '@berth/contracts';

/** Steps of the checkpoints in the bucket, without those that a part is missing of; only the wanted one is looked at, if one is. */
export async function completeSteps(
  store: ObjectStore,
  { runId, attempts }: RunRecord,
  wantedStep?: number,
): Promise<number[]> {
  const steps = new Set<number>();
  for (const { step, manifestKey } of await listCheckpoints(store, runId, attempts)) {
    const isLookedAt = wantedStep === undefined || step === wantedStep;
    if (!isLookedAt || (await isComplete(store, manifestKey))) steps.add(step);
  }
  return [...steps].sort((a, b) => a - b);
}
