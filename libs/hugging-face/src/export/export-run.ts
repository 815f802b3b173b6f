import { isDamage } from '@berth/checkpoint';
import {
  fineTuningTask,
  taskOfRun,
  tasks,
  type FolderLayout,
  type Logger,
  type MetricsLine,
  type ObjectStore,
  type RunRecord,
  type Task,
} from '@berth/contracts';
import { findCheckpoints, readStoredRecord } from '../checkpoint/find-checkpoints.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import type { CardWriter } from '../writing/write-folder.ts';
import type { ModelSource } from '../model-source.ts';
import { modelCard } from './model-card.ts';
import { gatherFacts } from './run-facts.ts';

export interface ExportOptions {
  /** @defaultValue the newest that is sound */
  readonly step?: number | undefined;
  readonly layout: FolderLayout;
  readonly evaluations: readonly MetricsLine[];
  readonly logger: Logger;
}

/** A checkpoint to be written down. */
export interface ExportedCheckpoint {
  readonly source: ModelSource;
  readonly card: CardWriter;
  readonly runId: string;
  readonly step: number;
}

/**
 * Hands a run's checkpoint, with its model card, to whoever writes it down. One that turns out to be damaged is passed over for
 * the one before it, unless its step was asked for.
 * @param write may be called again; what it throws should be about the checkpoint, or about a place that is no object store
 * @throws BerthError `CHECKPOINT_NOT_FOUND`, `CHECKPOINT_CORRUPT`, what `write` and the store throw
 */
export async function exportRun<T>(
  store: ObjectStore,
  runId: string,
  options: ExportOptions,
  write: (exported: ExportedCheckpoint) => Promise<T>,
): Promise<{ readonly step: number; readonly result: T }> {
  const { step: wanted, layout, evaluations, logger } = options;
  const record = await readStoredRecord(store, runId);
  const found = await findCheckpoints(store, runId, { record, step: wanted });
  for (const [index, { step, manifestKey }] of found.entries())
    try {
      const source = await openCheckpoint(store, manifestKey);
      const { fineTuning } = source;
      const task = fineTuning ? fineTuningTask(fineTuning) : corpusTaskOf(record);
      const run = await gatherFacts(store, source, { task, record, evaluations });
      const { model, doLowerCase } = source;
      const card: CardWriter = (written) =>
        modelCard(run, { model, doLowerCase, layout, ...written });
      return { step, result: await write({ source, card, runId, step }) };
    } catch (error) {
      if (!isDamage(error) || index === found.length - 1) throw error;
      logger.warn('passing over a damaged checkpoint', { runId, step, reason: error.message });
    }
  throw new TypeError('no checkpoint was found, and none was missed');
}

function corpusTaskOf(record: RunRecord | undefined): Task {
  return record ? taskOfRun(record) : tasks.pretraining;
}
