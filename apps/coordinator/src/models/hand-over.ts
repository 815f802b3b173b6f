import {
  BerthError,
  type FolderLayout,
  type Logger,
  type MetricsLine,
  type ObjectStore,
} from '@berth/contracts';
import {
  exportRun,
  findCheckpoints,
  listRuns,
  readStoredRecord,
  type ExportedCheckpoint,
} from '@berth/hugging-face';
import { bestCheckpoint, chooseRun, noSuchRun } from '@berth/protocol';
import { archivedLines } from '../metrics-archive/archived-lines.ts';
import type { WantedCheckpoint } from './find-checkpoint.ts';

/** A run by its name or the beginning of it, and which checkpoint of it. */
export interface NamedCheckpoint {
  readonly run: string;
  readonly wanted: WantedCheckpoint;
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
  store: ObjectStore,
  { run: name, wanted }: NamedCheckpoint,
  { layout, logger }: { readonly layout: FolderLayout; readonly logger: Logger },
  write: (exported: ExportedCheckpoint) => Promise<T>,
): Promise<HandedOver<T>> {
  const runIds = await listRuns(store);
  const runId = chooseRun(runIds, name);
  if (!runIds.includes(runId)) throw noSuchRun(runIds, name);
  const step = await stepOf(store, runId, wanted);
  const evaluations = await evaluationsOf(store, runId, logger);
  const exported = await exportRun(store, runId, { step, layout, evaluations, logger }, write);
  return { runId, ...exported };
}

/** Undefined for the newest. @throws BerthError `CHECKPOINT_NOT_FOUND` when the best is wanted and none was evaluated */
async function stepOf(
  store: ObjectStore,
  runId: string,
  wanted: NamedCheckpoint['wanted'],
): Promise<number | undefined> {
  if (wanted !== 'best') return wanted === 'newest' ? undefined : wanted;
  const record = await readStoredRecord(store, runId);
  const found = await findCheckpoints(store, runId, { record });
  const best =
    record &&
    bestCheckpoint(
      record,
      found.map(({ step }) => step),
    );
  if (best) return best.step;
  throw new BerthError(
    'CHECKPOINT_NOT_FOUND',
    `Run "${runId}" has no checkpoint that was evaluated (evaluations come every train.evalEverySteps)`,
  );
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
