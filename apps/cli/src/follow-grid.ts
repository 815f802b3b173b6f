import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, type GridPointReport, type GridReport, type RunStatus } from '@berth/contracts';
import type { CoordinatorClient } from '@berth/launch';
import { harmless } from './context.ts';
import { outlastOutages, type FollowOptions } from './follow.ts';
import { resultText, valuesText } from './grid-table.ts';
import { Progress } from './progress.ts';

const pollMs = 400;

/**
 * Watches the runs of a grid until none goes on, or the signal fires, and tells of each as it begins and ends.
 * @returns the last report
 * @throws `COORDINATOR_UNREACHABLE` and the like when nobody answers for a minute
 */
export async function followGrid(
  client: CoordinatorClient,
  name: string,
  { stream, signal }: FollowOptions,
): Promise<GridReport> {
  const progress = new Progress(stream);
  const patiently = outlastOutages();
  const statuses = new Map<string, RunStatus>();
  const tell = (text: string): void => {
    progress.end();
    stream.write(`${harmless(text)}\n`);
  };
  let last: GridReport | undefined;
  try {
    for (;;) {
      const report = await patiently(() => client.grid(name));
      if (report !== undefined) {
        for (const point of report.points) {
          const before = statuses.get(point.runId);
          statuses.set(point.runId, point.status);
          const line = newsOf(point, before, report);
          if (line !== undefined) tell(line);
        }
        last = report;
        if (report.isOver) return report;
        const { points } = report;
        const current = points.find(({ status }) => isUnderWay(status));
        const run = current && (await patiently(() => client.status(current.runId)));
        if (run !== undefined && !isFinal(run.run.status)) progress.show(run, performance.now());
      }
      if (signal.aborted && last !== undefined) return last;
      await sleep(pollMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    progress.end();
  }
}

/** What is told of a run that has begun or ended since the last look; of one that had ended before the first, nothing. */
function newsOf(
  point: GridPointReport,
  before: RunStatus | undefined,
  report: GridReport,
): string | undefined {
  const { runId, status, reason, values } = point;
  const place = `${runId} (${report.points.indexOf(point) + 1} of ${report.points.length})`;
  if (isFinal(status))
    return before === undefined || before === status
      ? undefined
      : `${place}: ${status}, ${status === 'completed' ? resultText(point, report) || reason : reason}`;
  const began = isUnderWay(status) && !(before !== undefined && isUnderWay(before));
  return began ? `${place}: ${valuesText(values)}` : undefined;
}

function isUnderWay(status: RunStatus): boolean {
  return status !== 'queued' && !isFinal(status);
}
