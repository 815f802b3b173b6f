import { isFinal, type RunStatusReport } from '@berth/contracts';
import { requireCoordinator } from '../cluster-access.ts';
import type { Context } from '../context.ts';
import { datasetLines } from '../dataset-lines.ts';
import { formatDuration, formatTable } from '../format.ts';
import { progressLine } from '../progress.ts';
import { summaryOf } from '../summary.ts';

/** `berth status [run]`: all runs in a table, or one in full. */
export async function status(
  context: Context,
  runId: string | undefined,
  options: { readonly json: boolean },
): Promise<void> {
  const client = requireCoordinator(context);
  if (runId === undefined) {
    const reports = await client.list();
    context.print(options.json ? JSON.stringify(reports) : tableOf(reports));
    return;
  }
  const report = await client.status(runId);
  if (options.json) context.print(JSON.stringify(report));
  else {
    const lines = isFinal(report.run.status)
      ? [summaryOf(report)]
      : [progressLine(report), report.run.reason, ...membersOf(report)];
    if (report.dataset !== undefined) lines.push(datasetLines(report.dataset));
    context.print(lines.join('\n'));
  }
}

function tableOf(reports: readonly RunStatusReport[]): string {
  if (reports.length === 0) return 'No runs yet; start one with: berth train <run.yaml>';
  const rows = reports.map(({ run, step, numSteps, last, etaMs }) => [
    run.runId,
    run.status,
    `${step}/${numSteps}`,
    last === null ? '-' : last.loss.toFixed(3),
    etaMs === null || isFinal(run.status) ? '-' : formatDuration(etaMs),
    run.reason,
  ]);
  return formatTable([['run', 'status', 'step', 'loss', 'eta', 'why'], ...rows]);
}

function membersOf({ view, releases }: RunStatusReport): string[] {
  if (view === null) return [];
  return view.members.map(({ memberId, host, port, blocks }) => {
    const ranks = blocks.map(({ start, length }) => `${start}-${start + length - 1}`).join(', ');
    const release = releases[memberId] === undefined ? '' : `, berth ${releases[memberId]}`;
    return `  ${memberId} at ${host}:${port}, virtual ranks ${ranks}${release}`;
  });
}
