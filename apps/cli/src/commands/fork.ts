import { setTimeout as sleep } from 'node:timers/promises';
import { parseSettings } from '@berth/launch';
import { withCluster } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { findRun, withRuns } from '../runs.ts';
import { watch } from './train.ts';

export interface ForkOptions {
  readonly from?: number;
  readonly set: readonly string[];
  readonly name?: string;
  readonly workers?: number;
  readonly json: boolean;
}

/** A coordinator limits how often it is asked for what costs much. */
const pauseMs = 200;

/**
 * `berth fork`: makes a run that goes on from a checkpoint of another with other settings, and watches it to its end.
 * @throws BerthError `CHECKPOINT_NOT_FOUND`, `RUN_STATE_CONFLICT` when the name is taken, `CONFIG_*` for settings that no fork can have
 */
export async function fork(context: Context, run: string, options: ForkOptions): Promise<void> {
  const { json, workers } = options;
  const settings = parseSettings(options.set);
  const { runId, config } = await withRuns(context, async (runs) => {
    const source = await findRun(runs, run);
    const taken = new Set((await runs.list()).map((report) => report.run.runId));
    const name = options.name ?? freeName(source, taken);
    const request = {
      name,
      settings,
      ...(options.from !== undefined && { fromStep: options.from }),
    };
    let report = await runs.fork(source, request);
    while (!report.isDone) {
      context.say(`copying checkpoint ${report.fromStep}: ${report.numPartsToGo} files to go`);
      await sleep(pauseMs);
      report = await runs.fork(source, request);
    }
    context.say(`${name} goes on from step ${report.fromStep} of ${source}`);
    return (await runs.status(name)).run;
  });
  const { numThreads } = config.cluster;
  const numWorkers = workers ?? config.cluster.numWorkers;
  await withCluster(context, { numWorkers, numThreads, ownRun: runId }, async (client, own) => {
    await watch(context, client, own, { runId, json });
  });
}

function freeName(source: string, taken: ReadonlySet<string>): string {
  const base = `${source.slice(0, 54)}-fork`;
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(name)) return name;
  }
}
