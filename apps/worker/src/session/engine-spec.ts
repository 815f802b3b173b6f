import {
  phasesOf,
  resolveModelConfig,
  taskNameOf,
  type Phase,
  type RunConfig,
  type RunRecord,
  type TaskChoice,
} from '@berth/contracts';
import type { EngineSpec } from '../threads/create-engine.ts';

/** The engine of a run whose data is known. */
export function engineSpecOf(
  config: RunConfig,
  { task, numTokens }: { readonly task: TaskChoice; readonly numTokens: number },
): EngineSpec {
  const { model, optimizer, train, seed } = config;
  return {
    task,
    model: resolveModelConfig(model, numTokens),
    optimizer,
    train,
    seed,
    shapes: phasesOf(config).map((phase) => ({
      batchSize: microBatchOf(config, phase),
      maxSeqLength: phase.examples.maxSeqLength,
      maxPredictions: phase.examples.maxPredictions,
    })),
  };
}

/** Examples of a micro-batch. */
export function microBatchOf({ train }: RunConfig, { globalBatch }: Phase): number {
  return train.microBatch ?? globalBatch / train.virtualRanks;
}

/**
 * The engine that a run will probably need whose data is still being made: as if a vocabulary that is trained came to the size that
 * was asked for.
 * @returns undefined where the data decides more, as the labels of a fine-tuning do
 */
export function likelyEngineSpec({ config: current, requests }: RunRecord): EngineSpec | undefined {
  const config = requests.submission?.config ?? current;
  const { vocabulary, corpus, task, init, examples } = config;
  const isTrained = vocabulary.path === undefined && corpus?.dataset === undefined;
  if (task !== undefined || init !== undefined || !isTrained) return undefined;
  return engineSpecOf(config, { task: taskNameOf(examples), numTokens: vocabulary.size });
}
