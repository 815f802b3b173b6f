import {
  phasesOf,
  type Cursor,
  type DatasetManifest,
  type ObjectStore,
  type RunRecord,
} from '@berth/contracts';
import { firstUse, type DocumentsToForget } from '@berth/data';
import type { RedisConnection } from '@berth/queue';
import type { CommittedSteps } from '../replay/committed-steps.ts';
import { examplesOfPhase } from '../replay/examples-of-phase.ts';

export interface FirstUsedStepOptions {
  readonly connection: RedisConnection;
  readonly store: ObjectStore;
  readonly manifest: DatasetManifest;
  readonly manifestKey: string;
  readonly steps: CommittedSteps;
  readonly documents: DocumentsToForget;
  readonly onShard?: ((epoch: number, shard: number) => void) | undefined;
}

/**
 * The first committed step whose examples hold tokens of documents, or come out otherwise without them; null when there is none.
 * Phase by phase: those that share an epoch have the same examples.
 */
export async function firstUsedStep(
  { connection, store, manifest, manifestKey, steps, documents, onShard }: FirstUsedStepOptions,
  record: RunRecord,
): Promise<number | null> {
  const { numCommitted } = steps;
  for (const phase of phasesOf(record.config)) {
    const endStep = Math.min(phase.endStep, numCommitted);
    if (phase.firstStep >= endStep) continue;
    const { from } = await steps.entry(phase.firstStep);
    const { to } = await steps.entry(endStep - 1);
    const use = await firstUse(
      {
        store,
        manifest,
        ...examplesOfPhase(connection, record, manifestKey, phase),
        ...documents,
        ...(onShard && { onShard }),
      },
      from,
      to,
    );
    if (use !== undefined) return stepOf(use, steps, phase.firstStep, endStep);
  }
  return null;
}

/** The step of [firstStep, endStep) that has the example at a cursor: the first that ends behind it. */
async function stepOf(
  cursor: Cursor,
  steps: CommittedSteps,
  firstStep: number,
  endStep: number,
): Promise<number> {
  let [low, high] = [firstStep, endStep - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { to } = await steps.entry(middle);
    if (to.epoch > cursor.epoch || (to.epoch === cursor.epoch && to.index > cursor.index))
      high = middle;
    else low = middle + 1;
  }
  return low;
}
