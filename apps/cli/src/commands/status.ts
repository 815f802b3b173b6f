import { bestText } from '../best-text.ts';
import {
  describeNetwork,
  gridReport,
  gridReports,
  isFinal,
  skewText,
  taskOfRun,
  type RunStatusReport,
} from '@berth/contracts';
import type { Context } from '../context.ts';
import { datasetLines } from '../dataset-lines.ts';
import { formatDuration } from '@berth/launch';
import { formatBytes, formatCount, formatTable } from '../format.ts';
import { heldOutLines } from '../held-out-lines.ts';
import { preparationLines } from '../preparation-lines.ts';
import { progressLine } from '../progress.ts';
import { textOfGrid } from './grid.ts';
import { findRun, withRuns } from '../runs.ts';
import { saveLines } from '../save-lines.ts';
import { summaryOf } from '../summary.ts';

/**
 * `berth status [run]` and `berth ls`: all runs in a table, or one in full; also where no cluster runs.
 * @throws BerthError `RUN_NOT_FOUND`
 */
export async function status(
  context: Context,
  run: string | undefined,
  options: { readonly json: boolean },
): Promise<void> {
  await withRuns(context, async (runs, isAtRest) => {
    const say = (value: unknown, text: () => string): void =>
      context.print(options.json ? JSON.stringify(value) : text());
    if (run === undefined) {
      const reports = await runs.list();
      say(reports, () => tableOf(reports, context, isAtRest));
      return;
    }
    const all = await runs.list();
    const grid = gridReport(run, all);
    if (grid !== undefined) {
      say(grid, () => textOfGrid(grid, all, context, isAtRest));
      return;
    }
    const report = await runs.status(await findRun(runs, run));
    say(report, () => textOf(report, context, isAtRest));
  });
}

function textOf(report: RunStatusReport, context: Context, isAtRest: boolean): string {
  const lines =
    isAtRest || isFinal(report.run.status)
      ? [
          summaryOf(report, {
            berth: context.berth,
            status: wordFor(report, isAtRest),
            isStatus: true,
          }),
        ]
      : [
          progressLine(report),
          report.run.reason,
          ...preparationLines(report),
          ...evaluationOf(report),
          ...saveLines(report),
          ...membersOf(report),
          ...relayOf(report),
          ...(report.network === undefined ? [] : [`  ${describeNetwork(report.network)}`]),
        ];
  if (report.dataset !== undefined) lines.unshift(datasetLines(report.dataset));
  return lines.join('\n');
}

/** The status of a run, which is not what its record says if its cluster has ended under it. */
function wordFor({ run: { status } }: RunStatusReport, isAtRest: boolean): string {
  return isAtRest && !isFinal(status) && status !== 'queued' ? 'interrupted' : status;
}

function tableOf(
  reports: readonly RunStatusReport[],
  { berth }: Context,
  isAtRest: boolean,
): string {
  if (reports.length === 0) return `No runs yet; start one with: ${berth} train <run.yaml>`;
  const grids = gridReports(reports);
  const gridRows = grids.map(({ name, points, numCompleted }) => [
    name,
    `grid of ${points.length}`,
    `${numCompleted} done`,
    '-',
    '-',
    `${berth} grid ${name}`,
  ]);
  const singles = reports.filter(({ run }) => run.grid === undefined || !isFinal(run.status));
  const rows = singles.map((report) => {
    const { run, step, numSteps, last, etaMs } = report;
    return [
      run.runId,
      wordFor(report, isAtRest),
      `${step}/${numSteps}`,
      last === null ? '-' : last.loss.toFixed(3),
      etaMs === null || isFinal(run.status) ? '-' : formatDuration(etaMs),
      run.reason,
    ];
  });
  return formatTable([['run', 'status', 'step', 'loss', 'eta', 'why'], ...gridRows, ...rows]);
}

/** The newest evaluation, and the checkpoint that had the best. */
function evaluationOf({ run, lastEval, best }: RunStatusReport): string[] {
  if (lastEval === null) return [];
  const { step, loss } = lastEval;
  const kept =
    best === null
      ? ''
      : `; the best checkpoint is step ${formatCount(best.step)}, with ${bestText(run, best)}`;
  return [
    `held-out loss ${loss.toFixed(3)} at step ${formatCount(step)}${kept}`,
    ...heldOutLines(taskOfRun(run), lastEval).map((text) => `  ${text}`),
  ];
}

function membersOf({ view, releases, drains, clocksAheadMs }: RunStatusReport): string[] {
  if (view === null) return [];
  return view.members.map(({ memberId, host, port, isReachable, engine, blocks }) => {
    const ranks = blocks.map(({ start, length }) => `${start}-${start + length - 1}`).join(', ');
    const release = releases[memberId] === undefined ? '' : `, berth ${releases[memberId]}`;
    const drain = drains[memberId] === undefined ? '' : `, about to leave: ${drains[memberId]}`;
    const aheadMs = clocksAheadMs[memberId];
    const clock = aheadMs === undefined ? '' : `, its clock ${skewText(aheadMs)}`;
    const place = isReachable === false ? 'dials out only' : `at ${host}:${port}`;
    const by = engine === undefined ? '' : `, started by ${engine}`;
    return `  ${memberId} ${place}, virtual ranks ${ranks}${by}${release}${clock}${drain}`;
  });
}

/** Who joins connections of members that dial out only. */
function relayOf({ relay }: RunStatusReport): string[] {
  if (relay === undefined) return [];
  const { memberId, host, port, traffic } = relay;
  const what =
    traffic === null ? 'does not answer' : `has passed on ${formatBytes(traffic.numBytes)}`;
  return [`  between those that dial out only: the relay ${memberId} at ${host}:${port} ${what}`];
}
