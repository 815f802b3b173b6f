import { findModel } from '@berth/checkpoint';
import {
  BerthError,
  expandGrid,
  gridReport,
  isBerthError,
  isFinal,
  noSuchGrid,
  parseRunConfig,
  readInit,
  silentLogger,
  withStoredModel,
  type GridControl,
  type GridPoint,
  type GridReport,
  type ObjectStore,
  type RunConfig,
  type RunRecord,
  type RunStatus,
  type RunStatusReport,
} from '@berth/contracts';
import type { Runs } from '@berth/queue';
import { decideGrid } from './decide-grid.ts';

export interface SubmitOptions {
  readonly isAtRest?: boolean;
  readonly grid?: GridPoint;
}

/** Runs, one by one. */
interface SingleRuns {
  submit(
    config: RunConfig,
    goal: RunRecord['goal'],
    options: SubmitOptions,
  ): Promise<RunStatusReport>;
  control(runId: string, control: GridControl): Promise<RunStatusReport>;
  list(): Promise<RunStatusReport[]>;
}

interface GridPorts {
  readonly service: Pick<SingleRuns, 'submit' | 'list'>;
  readonly runs: Pick<Runs, 'list'>;
  readonly store: ObjectStore;
}

/**
 * Creates the runs of a grid, and goes on with those that there are; broken off anywhere, asking again goes on.
 * @param written - the config with its grid
 * @throws BerthError as `RunService.submitGrid`
 */
export async function submitGrid(
  { service, runs, store }: GridPorts,
  written: unknown,
  goal: RunRecord['goal'],
  options: SubmitOptions = {},
): Promise<GridReport> {
  const expanded = expandGrid(written, 'request');
  if (expanded === undefined)
    throw new BerthError('CONFIG_INVALID', 'request: grid is missing: a single run has none');
  const init = readInit(written);
  const model = init && (await findModel(store, init, silentLogger));
  const points = expanded.map(({ config, sourceOf, ...point }) => ({
    ...point,
    config: parseRunConfig(model ? withStoredModel(config, model, sourceOf) : config, sourceOf),
  }));
  const { name } = points[0]!;
  const { known, added } = decideGrid(name, points, await runs.list());
  // Those first: what contradicts them is refused before any is made.
  for (const { runId, config } of known)
    await unlessRefused(
      service.submit({ ...config, name: runId }, goal, options),
      (status) => status === 'completed',
    );
  for (const { runId, config, point, values } of added)
    await service.submit({ ...config, name: runId }, goal, {
      ...options,
      grid: { name, point, values },
    });
  return reportOf(service, name);
}

/** Asks something of the runs of a grid, so that none begins meanwhile that is to be stopped. */
export async function controlGrid(
  service: Pick<SingleRuns, 'control' | 'list'>,
  name: string,
  control: GridControl,
): Promise<GridReport> {
  const { points } = await reportOf(service, name);
  const asked = points.filter(({ status }) => makesDifference(control, status));
  for (const { runId } of control === 'resume' ? asked : asked.toReversed())
    await unlessRefused(service.control(runId, control), () => true);
  return reportOf(service, name);
}

/** @throws BerthError `RUN_STATE_CONFLICT` when there is a grid of that name */
export async function refuseNameOfGrid(runs: Pick<Runs, 'list'>, name: string): Promise<void> {
  if (!(await runs.list()).some(({ grid }) => grid?.name === name)) return;
  throw new BerthError(
    'RUN_STATE_CONFLICT',
    `There is a grid "${name}" already: give the run another name`,
    { details: { grid: name } },
  );
}

function makesDifference(control: GridControl, status: RunStatus): boolean {
  switch (control) {
    case 'resume':
      return isFinal(status) && status !== 'completed';
    case 'pause':
      return !isFinal(status);
    case 'stop':
    case 'kill':
      return !isFinal(status) || status === 'paused';
  }
}

async function reportOf(service: Pick<SingleRuns, 'list'>, name: string): Promise<GridReport> {
  const all = await service.list();
  const report = gridReport(name, all);
  if (report === undefined) throw noSuchGrid(all, name);
  return report;
}

/** One that has ended meanwhile, or been completed before, keeps nobody from the others. */
async function unlessRefused(
  asked: Promise<unknown>,
  isFine: (status: unknown) => boolean,
): Promise<void> {
  try {
    await asked;
  } catch (error) {
    const isRefused = isBerthError(error) && error.code === 'RUN_STATE_CONFLICT';
    if (!isRefused || !isFine(error.details['status'])) throw error;
  }
}
