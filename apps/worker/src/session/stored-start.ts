import { loadModelWeights, readModel, readModelVocabulary } from '@berth/checkpoint';
import {
  BerthError,
  type AnyDataset,
  type Logger,
  type ModelConfig,
  type ObjectStore,
  type RunRecord,
  type TaskChoice,
  type TrainingState,
} from '@berth/contracts';
import { oldEntriesOf, parseVocabulary, readDatasetVocabulary } from '@berth/data';
import { continueFrom, outputParameters, taskModelOf, type StoredWeights } from '@berth/model';

export interface StoredStartOptions {
  readonly store: ObjectStore;
  readonly record: Pick<RunRecord, 'config' | 'forkedFrom'>;
  readonly dataset: Pick<AnyDataset, 'vocabulary'>;
  readonly task: TaskChoice;
  readonly model: ModelConfig;
  readonly logger: Logger;
}

/**
 * What a run begins as that begins with a stored model: read from the bucket by every worker that needs it, the same bits each
 * time; `undefined` for a run that begins from its seed. A fork has no beginning of its own, but a checkpoint.
 */
export function storedStart(
  options: StoredStartOptions,
): ((signal: AbortSignal) => Promise<TrainingState>) | undefined {
  const { store, record, dataset, task, model, logger } = options;
  const { config, forkedFrom } = record;
  const { init, seed } = config;
  if (forkedFrom !== undefined)
    return async () => {
      throw new BerthError(
        'CHECKPOINT_NOT_FOUND',
        `The run began as checkpoint ${forkedFrom.step} of ${forkedFrom.runId}, and no copy of that is left: fork it again`,
      );
    };
  if (init === undefined) return undefined;
  return async (signal) => {
    const { sha256 } = init;
    if (sha256 === undefined)
      throw new BerthError('INTERNAL', 'The model to begin with has not been found out');
    const stored = await readModel(store, sha256);
    const vocabularies = await Promise.all([
      readModelVocabulary(store, stored),
      readDatasetVocabulary(store, dataset),
    ]);
    const [old, now] = vocabularies.map((bytes) => parseVocabulary(bytes, 'vocab.txt'));
    const weights = await loadModelWeights(store, stored, { signal });
    const before = stored.fineTuning;
    const isHeadLeft = init.newHead === true && before !== undefined;
    const { state, fresh, unused } = continueFrom({
      task: taskModelOf(task),
      model,
      seed,
      weights: isHeadLeft ? without(weights, outputParameters(before)) : weights,
      oldEntries: oldEntriesOf(old!, now!),
      ...(before !== undefined &&
        !isHeadLeft &&
        typeof task !== 'string' && { heads: { stored: before, begun: task } }),
    });
    const { origin } = stored;
    logger.info('Begins with a stored model', { model: sha256, origin, fresh, unused });
    return state;
  };
}

function without(weights: StoredWeights, names: readonly string[]): StoredWeights {
  return new Map([...weights].filter(([name]) => !names.includes(name)));
}
