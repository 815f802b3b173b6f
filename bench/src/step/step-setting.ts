import {
  columnOf,
  examplesOf,
  lossScalesOf,
  modelSectionSchema,
  resolveModelConfig,
  runConfigSchema,
  type BatchShape,
  type ExampleBatch,
  type GradientRequest,
  type ModelConfig,
  type ModelSize,
  type OptimizerConfig,
} from '@berth/contracts';
import { taskModelOf, type TaskModel } from '@berth/model';
import { taskChoiceOf, type StepTask } from './step-task.ts';
import { syntheticBatch } from './synthetic-batch.ts';

/** `tf32` is fp32 whose products a GPU rounds to TF32: for measurements, since a run has no such precision. */
export const stepPrecisions = ['fp32', 'tf32', 'bf16'] as const;
export type StepPrecision = (typeof stepPrecisions)[number];

/** What to measure: a whole training step, dropout, clipping and update included. */
export interface StepSetting extends BatchShape {
  readonly task: StepTask;
  readonly size: ModelSize;
  readonly precision: StepPrecision;
  readonly engine: 'graph' | 'eager';
  readonly optimizer: 'adamw' | 'lamb';
  readonly device: 'cpu' | 'gpu';
  readonly numThreads: number;
  /** Divide the batch. */
  readonly virtualRanks: number;
  /** Tokens of the shortest example as a share of the longest; 1 is no padding. */
  readonly shortestRatio: number;
}

export const defaultStepSetting: StepSetting = {
  task: 'pretraining',
  size: 'mini',
  precision: 'fp32',
  engine: 'graph',
  optimizer: 'adamw',
  device: 'cpu',
  numThreads: 2,
  virtualRanks: 1,
  batchSize: 8,
  maxSeqLength: 128,
  maxPredictions: 20,
  shortestRatio: 1,
};

const vocabSize = 30_522;

export interface StepWork {
  readonly task: TaskModel;
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  /** Of a virtual rank's examples. */
  readonly shape: BatchShape;
  /** Of the whole step. */
  readonly batch: ExampleBatch;
  readonly request: (step: number) => GradientRequest;
}

/** What a model has otherwise than one of its size, to see what a part of it costs. */
export type ModelChanges = Readonly<
  Partial<Record<'numLayers' | 'hiddenDropoutRatio' | 'attentionDropoutRatio', number>>
>;

/** Model, optimizer and batch of a setting; dropout is on, as in the BERT release. */
export function stepWork(setting: StepSetting, changes: ModelChanges = {}): StepWork {
  const { size, batchSize, maxSeqLength, maxPredictions, virtualRanks } = setting;
  const model = resolveModelConfig(modelSectionSchema.parse({ size, ...changes }), vocabSize);
  const { optimizer } = runConfigSchema.parse({
    name: 'bench',
    corpus: { path: 'none' },
    optimizer: { name: setting.optimizer },
  });
  const task = taskModelOf(taskChoiceOf(setting.task));
  const batch = syntheticBatch(task.task, { ...setting, vocabSize });
  const lossScales = lossScalesOf(task.task, denominatorsOf(batch));
  const rankSize = batchSize / virtualRanks;
  const ranks = Array.from({ length: virtualRanks }, (_, virtualRank) => {
    const start = virtualRank * rankSize;
    return { virtualRank, microBatches: [examplesOf(batch, start, start + rankSize)] };
  });
  return {
    task,
    model,
    optimizer,
    shape: { batchSize: rankSize, maxSeqLength, maxPredictions },
    batch,
    request: (step) => ({
      step,
      block: { start: 0, length: virtualRanks },
      ranks,
      lossScales,
    }),
  };
}

/** What the losses of any task are divided by; nothing in the batch has no label. */
function denominatorsOf(batch: ExampleBatch): Record<string, number> {
  const total = (name: string): number =>
    name in batch.columns
      ? Array.from(columnOf(batch, name)).reduce((sum, one) => sum + one, 0)
      : 0;
  const { batchSize } = batch;
  return {
    maskedWeight: total('maskedWeights'),
    labelWeight: total('labelWeights'),
    numExamples: batchSize,
    numStarts: batchSize,
    numEnds: batchSize,
  };
}
