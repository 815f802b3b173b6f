import { existsSync } from 'node:fs';
import {
  BerthError,
  describeLeftOut,
  gridReport,
  isFinal,
  toBerthError,
  withoutUnused,
  type GridReport,
  type InitialModel,
  type RunRecord,
} from '@berth/contracts';
import type { Cluster, CoordinatorClient, LoadedGrid } from '@berth/launch';
import { findCoordinator, withCluster } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { followGrid } from '../follow-grid.ts';
import { withRuns } from '../runs.ts';
import { onceAlone } from '../submit-ahead.ts';
import { textOfGrid } from './grid.ts';

export interface TrainGridOptions {
  readonly goal: RunRecord['goal'];
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Whether workers were asked for on the command line. */
  readonly asksWorkers: boolean;
  /** That its runs begin with. */
  readonly model: InitialModel | undefined;
}

/** `berth train`, `finetune` and `prepare` of a run file with a grid: submits its runs and watches them all to their ends. */
export async function trainGrid(
  context: Context,
  grid: LoadedGrid,
  options: TrainGridOptions,
): Promise<void> {
  const { name, written, points, statedVocabSize } = grid;
  const { config } = points[0]!;
  const { checkInput } = await import('../check-input.ts');
  const leftOut = await checkInput(config, statedVocabSize, options.model);
  if (leftOut.numEntries > 0) context.say(`warning: ${describeLeftOut(leftOut)}`);
  if (options.dryRun) {
    context.print(
      JSON.stringify(
        points.map((point) => withoutUnused(point.config)),
        null,
        2,
      ),
    );
    return;
  }
  if (await isOverAhead(context, grid, options)) return;
  const { numWorkers, numThreads } = config.cluster;
  await withCluster(context, { numWorkers, numThreads, ownRun: name }, async (client, own) => {
    if (own === undefined && options.asksWorkers)
      context.say('a cluster runs already, and the runs get its workers: --workers starts none');
    const { points: all } = await client.submitGrid(written, options.goal);
    context.say(
      `${name} is a grid of ${all.length} runs, ${all[0]!.runId} to ${all.at(-1)!.runId}`,
    );
    await watchGrid(context, client, own, { name, json: options.json });
  });
}

/**
 * Submits a grid before a cluster is started for it, where runs of it are there already: workers of the next cluster would take
 * them up at once, and with them they could not be changed any more.
 * @returns whether nothing is left to do, which then has been told
 */
async function isOverAhead(
  context: Context,
  { name, written }: LoadedGrid,
  { goal, json }: TrainGridOptions,
): Promise<boolean> {
  if (findCoordinator(context) !== undefined || !existsSync(context.folder)) return false;
  return withRuns(context, async (runs, isAtRest) => {
    if (!isAtRest || gridReport(name, await runs.list()) === undefined) return false;
    const report = await onceAlone(context, name, () => runs.submitGrid(written, goal));
    if (!report.points.every(({ status }) => status === 'completed')) return false;
    context.say(`all runs of ${name} are completed`);
    context.print(
      json ? JSON.stringify(report) : textOfGrid(report, await runs.list(), context, true),
    );
    return true;
  });
}

/**
 * Watches a grid until none of its runs goes on, and prints its table. With a cluster of our own, Ctrl-C saves and stops its runs; with
 * someone else's it only detaches.
 * @throws BerthError `RUN_FAILED` when some of them failed
 */
export async function watchGrid(
  context: Context,
  client: CoordinatorClient,
  own: Cluster | undefined,
  { name, json }: { readonly name: string; readonly json: boolean },
): Promise<void> {
  const { berth } = context;
  const detach = new AbortController();
  const interrupt = (): void => {
    if (own === undefined) {
      detach.abort();
      return;
    }
    context.say('\nsaving and stopping; once more to stop at once');
    client.controlGrid(name, 'stop').catch((error: unknown) => {
      context.say(toBerthError(error).message);
    });
    process.once('SIGINT', () => detach.abort());
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  let report: GridReport;
  try {
    report = await followGrid(client, name, { stream: process.stderr, signal: detach.signal });
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  context.print(
    json ? JSON.stringify(report) : textOfGrid(report, await client.list(), context, false),
  );
  if (!report.isOver)
    context.say(
      own === undefined
        ? `detached; the runs go on. Look again: ${berth} grid ${name}`
        : `ended at once; the same command, or ${berth} resume ${name}, goes on from the newest checkpoints`,
    );
  else requireNoFailed(report, berth);
}

function requireNoFailed({ name, points }: GridReport, berth: string): void {
  const failed = points.filter(({ status }) => isFinal(status) && status === 'failed');
  const [first] = failed;
  if (first === undefined) return;
  throw new BerthError(
    'RUN_FAILED',
    `${failed.length} of ${points.length} runs of ${name} failed: ${failed.map(({ runId }) => runId).join(', ')}; the first said: ` +
      `${first.reason}. The others are not touched; once it is put right, the same command, or ${berth} resume ${name}, tries them again`,
  );
}
