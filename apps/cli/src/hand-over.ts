import { BerthError, type Logger, type MetricsLine, type ObjectStore } from '@berth/contracts';
import { archivedLines } from '@berth/coordinator/archived-lines';
import {
  exportRun,
  listRuns,
  type ExportedCheckpoint,
  type FolderLayout,
} from '@berth/hugging-face';
import { chooseRun, noSuchRun } from '@berth/protocol';
import { withStore } from './cluster-access.ts';
import type { Context } from './context.ts';

/** A run, and a step of it where one is named. */
export interface NamedCheckpoint {
  readonly name: string;
  readonly step: number | undefined;
}

/** Splits RUN@STEP. @throws BerthError `USAGE` */
export function parseCheckpoint(what: string, asked: number | undefined): NamedCheckpoint {
  const [name = '', step, ...others] = what.split('@');
  if (step === undefined) return { name, step: asked };
  if (others.length > 0 || !/^\d{1,9}$/.test(step) || asked !== undefined)
    throw new BerthError('USAGE', `${what}: write a run and one step, as my-run@400`);
  return { name, step: Number(step) };
}

/** What was written down. */
export interface HandedOver<T> {
  readonly runId: string;
  readonly step: number;
  readonly result: T;
}

/**
 * Hands a checkpoint of a run to whoever writes it down, with its model card; from the bucket alone.
 * @throws BerthError `RUN_NOT_FOUND`, and as `exportRun`
 */
export async function handOver<T>(
  context: Context,
  { name, step }: NamedCheckpoint,
  layout: FolderLayout,
  write: (exported: ExportedCheckpoint) => Promise<T>,
): Promise<HandedOver<T>> {
  return withStore(context, {}, async (store) => {
    const { logger } = context;
    const runIds = await listRuns(store);
    const runId = chooseRun(runIds, name);
    if (!runIds.includes(runId)) throw noSuchRun(runIds, name);
    const evaluations = await evaluationsOf(store, runId, logger);
    const exported = await exportRun(store, runId, { step, layout, evaluations, logger }, write);
    return { runId, ...exported };
  });
}

async function evaluationsOf(
  store: ObjectStore,
  runId: string,
  logger: Logger,
): Promise<MetricsLine[]> {
  const evaluations: MetricsLine[] = [];
  for await (const lines of archivedLines(store, runId, logger))
    evaluations.push(...lines.filter(({ kind }) => kind === 'eval'));
  return evaluations;
}
