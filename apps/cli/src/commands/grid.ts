import {
  gridReport,
  gridReports,
  noSuchGrid,
  type GridReport,
  type RunStatusReport,
} from '@berth/contracts';
import type { Context } from '../context.ts';
import { formatTable } from '../format.ts';
import { gridText } from '../grid-table.ts';
import { withRuns } from '../runs.ts';

/**
 * `berth grid [name]`: what came out at the points of a grid, or which grids there are; also where no cluster runs.
 * @throws BerthError `RUN_NOT_FOUND`
 */
export async function grid(
  context: Context,
  name: string | undefined,
  { json }: { readonly json: boolean },
): Promise<void> {
  await withRuns(context, async (runs, isAtRest) => {
    const all = await runs.list();
    if (name === undefined) {
      const reports = gridReports(all);
      context.print(json ? JSON.stringify(reports) : listOf(reports, context));
      return;
    }
    const report = gridReport(name, all);
    if (report === undefined) throw noSuchGrid(all, name);
    context.print(json ? JSON.stringify(report) : textOfGrid(report, all, context, isAtRest));
  });
}

/** @param runs - those of the grid are among them */
export function textOfGrid(
  report: GridReport,
  runs: readonly RunStatusReport[],
  { berth }: Context,
  isAtRest: boolean,
): string {
  const isFineTuned = runs.some(
    ({ run }) => run.grid?.name === report.name && run.config.task !== undefined,
  );
  return gridText(report, { berth, isAtRest, isFineTuned });
}

function listOf(reports: readonly GridReport[], { berth }: Context): string {
  if (reports.length === 0)
    return `No grids yet; a run file with \`grid:\` makes one: ${berth} train <run.yaml>`;
  return formatTable([
    ['grid', 'runs', 'completed', 'over', 'settings'],
    ...reports.map(({ name, points, numCompleted, isOver, paths }) => [
      name,
      String(points.length),
      String(numCompleted),
      isOver ? 'yes' : 'no',
      paths.join(', '),
    ]),
  ]);
}
