import {
  BerthError,
  gridReport,
  isFinal,
  type Control,
  type GridReport,
  type RunStatusReport,
} from '@berth/contracts';
import type { CoordinatorClient } from '@berth/launch';
import { requireCoordinator } from '../cluster-access.ts';
import { confirms } from '../confirms.ts';
import type { Context } from '../context.ts';
import { formatTable, plural } from '../format.ts';
import { findRun } from '../runs.ts';

export interface ControlOptions {
  readonly json: boolean;
  /** Does what loses work without asking. */
  readonly yes?: boolean;
}

/**
 * `berth pause`, `stop`, `kill` and `checkpoint`: asks it of a run and prints what becomes of that; asked again, the same.
 * @throws BerthError `USAGE` when work would be lost and nobody can be asked
 */
export async function control(
  context: Context,
  run: string,
  name: Exclude<Control, 'resume'>,
  options: ControlOptions,
): Promise<void> {
  const client = requireCoordinator(context);
  const grid = gridReport(run, await client.list());
  if (grid !== undefined) {
    await controlGrid(context, client, grid, name, options);
    return;
  }
  const runId = await findRun(client, run);
  if (name === 'kill' && options.yes !== true) {
    const { isEnabled, reason } = (await client.status(runId)).controls.kill;
    if (isEnabled && !(await confirms(`Kill ${runId}? It ${reason}. [y/N] `))) {
      context.say('nothing was done');
      return;
    }
  }
  const report = await client.control(runId, name);
  context.print(options.json ? JSON.stringify(report) : describe(name, report));
}

async function controlGrid(
  context: Context,
  client: CoordinatorClient,
  { name, points }: GridReport,
  control: Exclude<Control, 'resume'>,
  { json, yes }: ControlOptions,
): Promise<void> {
  if (control === 'checkpoint')
    throw new BerthError('USAGE', `${name} is a grid: name the one of its runs that is to save`);
  const numOpen = points.filter(({ status }) => !isFinal(status)).length;
  const question = `Kill the ${plural(numOpen, 'run')} of ${name} that are not done, without saving? [y/N] `;
  if (control === 'kill' && yes !== true && numOpen > 0 && !(await confirms(question))) {
    context.say('nothing was done');
    return;
  }
  const report = await client.controlGrid(name, control);
  const lines = report.points.map(({ runId, status, step, numSteps, reason }) => [
    runId,
    status,
    `${step}/${numSteps}`,
    reason,
  ]);
  context.print(json ? JSON.stringify(report) : formatTable(lines));
}

function describe(name: Control, { run, step, numSteps }: RunStatusReport): string {
  const next = name === 'checkpoint' ? 'saves and goes on' : run.reason;
  return `${run.runId}: ${run.status} at step ${step} of ${numSteps}, ${next}`;
}
