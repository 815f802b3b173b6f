import type { PruneQuery, PruneReport } from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatBytes, formatCount, formatTable } from '../format.ts';
import { withRuns, type RunReader } from '../runs.ts';

export interface PruneOptions {
  /** Deletes it; without, it is only told. */
  readonly yes: boolean;
  /** Hours. */
  readonly olderThan: number;
  readonly json: boolean;
}

const hourMs = 3_600_000;

/** `berth prune`: tells what of the bucket no run needs, and deletes it with `--yes`. Broken off, the same command goes on. */
export async function prune(
  context: Context,
  { yes, olderThan, json }: PruneOptions,
): Promise<void> {
  await withRuns(context, async (runs) => {
    const query = { minAgeMs: olderThan * hourMs };
    const before = await runs.pruning(query);
    context.say(describe(before, olderThan));
    let isDone = false;
    if (yes && before.parts.length > 0) isDone = await pruneAll(context, runs, query);
    if (json) context.print(JSON.stringify({ ...before, isDone }));
    else if (isDone) context.print('it has been deleted');
    else if (!yes && before.parts.length > 0)
      context.print(`nothing was deleted: ${context.berth} prune --yes does it`);
  });
}

/** @returns false when a run has begun to make data meanwhile */
async function pruneAll(context: Context, runs: RunReader, query: PruneQuery): Promise<boolean> {
  for (;;) {
    const left = await runs.prune(query);
    if (left.isDone) return true;
    if (left.waitsFor.length > 0) {
      context.say(waitsText(left));
      return false;
    }
    context.say(`deleting: ${formatCount(numObjectsOf(left))} objects to go`);
  }
}

function describe(report: PruneReport, olderThan: number): string {
  const { parts, waitsFor } = report;
  if (waitsFor.length > 0) return waitsText(report);
  if (parts.length === 0)
    return `nothing lies in the bucket that no run needs and that is older than ${olderThan} hours`;
  const total = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const rows = parts.map(({ kind, numGroups, numObjects, sizeBytes, reason }) => [
    `  ${kind}`,
    formatCount(numGroups),
    `${formatCount(numObjects)} objects`,
    formatBytes(sizeBytes),
    reason,
  ]);
  return [`${formatBytes(total)} in the bucket that no run needs:`, formatTable(rows)].join('\n');
}

function waitsText({ waitsFor }: PruneReport): string {
  return `nothing can go while data is made, or a record cannot be read: ${waitsFor.slice(0, 5).join(', ')}`;
}

function numObjectsOf({ parts }: PruneReport): number {
  return parts.reduce((sum, { numObjects }) => sum + numObjects, 0);
}
