import {
  BerthError,
  describeLeftOut,
  gridReport,
  isBerthError,
  isFinal,
  withoutUnused,
  toBerthError,
  type RunConfig,
  type RunRecord,
  type RunStatusReport,
} from '@berth/contracts';
import { findCoordinator, withAskedCluster, withCluster } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { type Cluster, configOf, type CoordinatorClient, gridOf, readRunFile } from '@berth/launch';
import { requireFolder } from '../folder.ts';
import { follow } from '../follow.ts';
import { initialModel } from '../initial-model.ts';
import { findRun, withRuns } from '../runs.ts';
import { submitAhead } from '../submit-ahead.ts';
import { summaryOf } from '../summary.ts';
import { trainGrid, watchGrid } from './train-grid.ts';

export interface TrainOptions {
  readonly set: readonly string[];
  readonly workers?: number;
  readonly json: boolean;
  readonly dryRun: boolean;
  /** A completed run is success, for those who ask again and again. */
  readonly ifNeeded?: boolean;
  /** Whether it must be a fine-tuning. */
  readonly needsTask?: boolean;
}

export interface ResumeOptions {
  readonly from?: number;
  readonly workers: number;
  readonly threads: number;
  readonly json: boolean;
}

/** `berth train` and `berth prepare`: submits a run and watches it to its goal. */
export async function train(
  context: Context,
  file: string,
  goal: RunRecord['goal'],
  options: TrainOptions,
): Promise<void> {
  const runFile = readRunFile(file, options.set);
  for (const { before, now } of runFile.renamed)
    context.say(`note: ${before} is called ${now} now; it was read as that`);
  if (options.needsTask === true && runFile.input['task'] === undefined)
    throw new BerthError(
      'CONFIG_INVALID',
      `${file}: task is missing: say what to fine-tune for, or pre-train with ${context.berth} train`,
    );
  const model = await initialModel(context, runFile);
  const grid = gridOf(runFile, { model, numWorkers: options.workers });
  if (grid !== undefined) {
    const { json, dryRun, workers } = options;
    await trainGrid(context, grid, {
      goal,
      json,
      dryRun,
      model,
      asksWorkers: workers !== undefined,
    });
    return;
  }
  const loaded = configOf(runFile, model);
  const config = withWorkers(loaded.config, options.workers);
  const { checkInput } = await import('../check-input.ts');
  const leftOut = await checkInput(config, loaded.statedVocabSize, model);
  if (leftOut.numEntries > 0) context.say(`warning: ${describeLeftOut(leftOut)}`);
  if (options.dryRun) {
    context.print(JSON.stringify(withoutUnused(config), null, 2));
    return;
  }
  await submitAhead(context, { config, goal, ifNeeded: options.ifNeeded === true });
  await withAskedCluster(context, clusterOf(config), {
    ask: async (client, isOwn) => {
      if (!isOwn && options.workers !== undefined)
        context.say(
          `a cluster runs already, and the run gets its workers: --workers ${options.workers} starts none`,
        );
      try {
        await client.submit(config, goal);
      } catch (error) {
        if (options.ifNeeded !== true || !saysCompleted(error)) throw error;
        return 'completed';
      }
      return 'submitted';
    },
    use: async (answer, client, own) => {
      if (answer === 'completed') context.say(`run "${config.name}" is completed`);
      else await watch(context, client, own, { runId: config.name, file, json: options.json });
    },
  });
}

/** `berth resume`: continues a run from its newest valid checkpoint, or from an older one. */
export async function resume(context: Context, run: string, options: ResumeOptions): Promise<void> {
  if (findCoordinator(context) === undefined) requireFolder(context);
  if (await resumedGrid(context, run, options)) return;
  // By its whole name, and whether there is anything to do, before a cluster is started for it.
  const { runId } = await withRuns(context, async (runs) => {
    const { run: found, controls } = await runs.status(await findRun(runs, run));
    const { isEnabled, reason } = controls.resume;
    if (isFinal(found.status) && !isEnabled && options.from === undefined)
      throw new BerthError('RUN_STATE_CONFLICT', `Cannot resume run "${found.runId}": ${reason}`);
    return found;
  });
  const size = { numWorkers: options.workers, numThreads: options.threads, ownRun: runId };
  await withAskedCluster(context, size, {
    ask: async (client, isOwn) => {
      const { from } = options;
      const { run: known, step } = await client.status(runId);
      const isUnderWay = !isFinal(known.status) && !/^(pausing|stopping)$/.test(known.status);
      if (!isOwn && from === undefined && isUnderWay)
        return `${runId} is ${known.status} already, at step ${step}: nothing to resume`;
      await client.control(runId, 'resume', from === undefined ? {} : { fromStep: from });
      if (from !== undefined && from < step)
        context.say(
          `${runId} goes back from step ${step} to ${from}: the steps after it become a branch, ` +
            'which is kept and cannot be gone on with',
        );
      return undefined;
    },
    use: async (nothingToDo, client, own) => {
      if (nothingToDo === undefined)
        await watch(context, client, own, { runId, json: options.json });
      else context.say(nothingToDo);
    },
  });
}

/** Continues all runs of a grid that are not completed, where a grid is named. */
async function resumedGrid(
  context: Context,
  name: string,
  { from, workers, threads, json }: ResumeOptions,
): Promise<boolean> {
  const isGrid = await withRuns(
    context,
    async (runs) => gridReport(name, await runs.list()) !== undefined,
  );
  if (!isGrid) return false;
  if (from !== undefined)
    throw new BerthError('USAGE', `${name} is a grid: --from is for one of its runs`);
  const size = { numWorkers: workers, numThreads: threads, ownRun: name };
  await withCluster(context, size, async (client, own) => {
    await client.controlGrid(name, 'resume');
    await watchGrid(context, client, own, { name, json });
  });
  return true;
}

interface Watched {
  readonly runId: string;
  /** Its run file, if it was named. */
  readonly file?: string;
  readonly json: boolean;
}

/**
 * Watches a run. With a cluster of our own, Ctrl-C saves and stops the run, since it could not go on without us;
 * with someone else's it only detaches.
 */
export async function watch(
  context: Context,
  client: CoordinatorClient,
  own: Cluster | undefined,
  { runId, file, json }: Watched,
): Promise<RunStatusReport> {
  const { berth } = context;
  context.say(`watch it at ${client.link(`/runs/${runId}`)}`);
  const detach = new AbortController();
  let unsaved: BerthError | undefined;
  const interrupt = (): void => {
    if (own === undefined) {
      detach.abort();
      return;
    }
    context.say('\nsaving and stopping; once more to stop at once');
    client.control(runId, 'stop').catch((error: unknown) => {
      const refusal = toBerthError(error);
      // Nobody can be told to save while Redis takes no writes.
      if (refusal.code !== 'QUEUE_UNREACHABLE') context.say(refusal.message);
      else {
        unsaved = refusal;
        detach.abort();
      }
    });
    process.once('SIGINT', () => detach.abort());
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const report = await follow(client, runId, { stream: process.stderr, signal: detach.signal });
    if (unsaved !== undefined) {
      const again =
        'Nothing is lost: the same command makes the steps again that no checkpoint has';
      throw new BerthError(unsaved.code, `not saved: ${unsaved.message}. ${again}`);
    }
    if (json) context.print(JSON.stringify(report));
    else if (detach.signal.aborted && own !== undefined)
      context.say('stopped at once; the same command makes the steps again that no checkpoint has');
    else if (detach.signal.aborted)
      context.say(
        own === undefined
          ? `detached; the run goes on. Look again: ${berth} status ${runId}`
          : `ended at once; ${berth} resume ${runId} goes on from the newest checkpoint`,
      );
    else context.say(summaryOf(report, { berth, file }));
    return report;
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** Whether a submission was refused because the very run has been trained to its end. */
export function saysCompleted(error: unknown): boolean {
  return (
    isBerthError(error) &&
    error.code === 'RUN_STATE_CONFLICT' &&
    error.details['status'] === 'completed'
  );
}

function clusterOf(config: RunConfig): {
  numWorkers: number;
  numThreads: number;
  ownRun: string;
} {
  const { numWorkers, numThreads } = config.cluster;
  return { numWorkers, numThreads, ownRun: config.name };
}

function withWorkers(config: RunConfig, numWorkers: number | undefined): RunConfig {
  if (numWorkers === undefined) return config;
  return { ...config, cluster: { ...config.cluster, numWorkers } };
}
