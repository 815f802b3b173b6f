import { gridReport, type RemovalReport } from '@berth/contracts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount, formatTable } from '../format.ts';
import { findRun, withRuns, type RunReader } from '../runs.ts';

export interface RmOptions {
  readonly json: boolean;
  /** Removes without asking. */
  readonly yes: boolean;
}

/**
 * `berth rm`: removes a run, or all runs of a grid, for good, with all that only they use. Broken off, the same command goes on.
 * @throws BerthError `RUN_STATE_CONFLICT` when it has not ended, `USAGE` when nobody can be asked
 */
export async function rm(context: Context, run: string, options: RmOptions): Promise<void> {
  await withRuns(context, async (runs) => {
    const grid = gridReport(run, await runs.list());
    const runIds = grid?.points.map(({ runId }) => runId) ?? [await findRun(runs, run)];
    const before: RemovalReport[] = [];
    for (const runId of runIds) {
      const removal = await runs.removal(runId);
      before.push(removal);
      context.say(describe(removal));
    }
    const what = grid === undefined ? runIds[0]! : `the ${runIds.length} runs of ${run}`;
    if (!options.yes && !(await confirms(`Remove ${what} for good? [y/N] `))) {
      context.say('nothing was done');
      return;
    }
    for (const runId of runIds) await removeRun(context, runs, runId);
    const [only] = before;
    context.print(
      options.json
        ? JSON.stringify(grid === undefined ? only : before)
        : `${what} ${grid === undefined ? 'has' : 'have'} been removed`,
    );
  });
}

async function removeRun(context: Context, runs: RunReader, runId: string): Promise<void> {
  let left = await runs.remove(runId);
  while (!left.isDone) {
    context.say(`removing: ${formatCount(numObjectsOf(left))} objects to go`);
    left = await runs.remove(runId);
  }
}

function describe({ runId, status, parts, kept }: RemovalReport): string {
  const rows = parts.map(({ name, numObjects, sizeBytes }) => [
    `  ${name}`,
    numObjects,
    formatBytes(sizeBytes),
  ]);
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    `${runId}, which is ${status}, goes with ${formatBytes(total)} in the bucket and its record, ledger and metrics:`,
    ...(rows.length === 0 ? [] : [formatTable(rows)]),
    ...kept.map((what) => `  stays: ${what}`),
  ].join('\n');
}

function numObjectsOf({ parts }: RemovalReport): number {
  return parts.reduce((sum, { numObjects }) => sum + numObjects, 0);
}
