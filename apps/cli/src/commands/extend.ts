import { goesBackText } from '@berth/protocol';
import { withCluster } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { findRun, withRuns } from '../runs.ts';
import { watch } from './train.ts';

export interface ExtendOptions {
  readonly steps: number;
  readonly decaySteps?: number;
  readonly workers?: number;
  readonly json: boolean;
}

/**
 * `berth extend`: plans more steps for a run that rests, and watches it to its new end.
 * @throws BerthError `RUN_STATE_CONFLICT` when its schedule has no such plan with the bits that it has
 */
export async function extend(
  context: Context,
  run: string,
  { steps, decaySteps, workers, json }: ExtendOptions,
): Promise<void> {
  // Whether it can be is said before a cluster is started for it.
  const { before, after } = await withRuns(context, async (runs) => {
    const runId = await findRun(runs, run);
    return {
      before: await runs.status(runId),
      after: await runs.extend(runId, {
        numSteps: steps,
        ...(decaySteps !== undefined && { numDecaySteps: decaySteps }),
      }),
    };
  });
  const { runId, attempts, config } = after.run;
  const from = attempts.at(-1)?.fromStep ?? 0;
  if (from < before.step) context.say(`${runId} ${goesBackText(before.step, from, steps)}`);
  const { numThreads } = config.cluster;
  const numWorkers = workers ?? config.cluster.numWorkers;
  await withCluster(context, { numWorkers, numThreads, ownRun: runId }, async (client, own) => {
    await watch(context, client, own, { runId, json });
  });
}
