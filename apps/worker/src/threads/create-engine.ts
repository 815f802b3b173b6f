import type {
  BatchShape,
  ModelConfig,
  OptimizerConfig,
  TaskName,
  TrainConfig,
  TrainingEngine,
} from '@berth/contracts';
import type { TensorFlow } from '@berth/graph';
import { createEagerEngine, createGraphEngine, taskModels } from '@berth/model';

/** What an engine is made from; crosses to the runtime thread. */
export interface EngineSpec {
  readonly task: TaskName;
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly train: Pick<
    TrainConfig,
    'numSteps' | 'virtualRanks' | 'engine' | 'precision' | 'allReduceDtype'
  >;
  readonly seed: number;
  /** Shape of a micro-batch. */
  readonly shape: BatchShape;
}

export function createEngine(spec: EngineSpec, tensorFlow: TensorFlow): TrainingEngine {
  const { model, optimizer, train, seed, shape } = spec;
  const { precision, allReduceDtype } = train;
  const task = taskModels[spec.task];
  const options = { task, model, optimizer, train, seed, precision, allReduceDtype };
  return train.engine === 'graph'
    ? createGraphEngine({ ...options, shape, tensorFlow })
    : createEagerEngine(options);
}
