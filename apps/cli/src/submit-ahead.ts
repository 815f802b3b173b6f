import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BerthError,
  isBerthError,
  isFinal,
  withPlannedSteps,
  type RunConfig,
  type RunRecord,
} from '@berth/contracts';
import { findCoordinator } from './cluster-access.ts';
import type { Context } from './context.ts';
import { withRuns } from './runs.ts';

/** Longer than workers of a killed cluster take to end, and their heartbeats to count as old. */
const lastBeatsMs = 10_000;
const pollEveryMs = 200;

export interface Submitted {
  readonly config: RunConfig;
  readonly goal: RunRecord['goal'];
  /** Whether it is fine that the run has been trained to its end. */
  readonly ifNeeded: boolean;
}

/**
 * What can be said of a run before a cluster is started for it: no, when it is completed. A run whose cluster was killed gets the
 * config here, as the workers of the next cluster would take it up at once, and with them it could not be changed any more.
 * @throws BerthError what refuses the submission
 */
export async function submitAhead(context: Context, submitted: Submitted): Promise<void> {
  const { berth, folder } = context;
  const { config, goal, ifNeeded } = submitted;
  if (findCoordinator(context) !== undefined || !existsSync(folder)) return;
  await withRuns(context, async (runs, isAtRest) => {
    const runId = config.name;
    const found = (await runs.list()).find(({ run }) => run.runId === runId)?.run;
    if (found === undefined || !isAtRest) return;
    if (!isFinal(found.status)) await onceAlone(context, runId, () => runs.submit(config, goal));
    else if (!ifNeeded && goal === 'trained' && isDone(found, config))
      throw new BerthError(
        'RUN_STATE_CONFLICT',
        `Run "${runId}" is completed; choose another name to train again, or remove it: ${berth} rm ${runId}`,
      );
  });
}

/** Whether a run has done all that is asked of it now. */
function isDone(
  { status, goal, config: known, labelledData }: RunRecord,
  config: RunConfig,
): boolean {
  const { train } = withPlannedSteps(config, labelledData?.numTrainExamples);
  return status === 'completed' && goal === 'trained' && train.numSteps <= known.train.numSteps;
}

/**
 * Submits once nothing is heard any more of workers that end as their cluster was killed.
 * @param what - is submitted, for people
 */
export async function onceAlone<T>(
  context: Context,
  what: string,
  submit: () => Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + lastBeatsMs;
  for (let numTries = 1; ; numTries++)
    try {
      return await submit();
    } catch (error) {
      const isAttended =
        isBerthError(error) &&
        error.code === 'RUN_STATE_CONFLICT' &&
        error.details['grid'] === undefined;
      if (!isAttended || performance.now() >= deadlineMs) throw error;
      if (numTries === 2)
        context.say(`waiting: workers that were at ${what} a moment ago may still end`);
      await sleep(pollEveryMs);
    }
}
