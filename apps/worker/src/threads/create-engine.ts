import type {
  BatchShape,
  ModelConfig,
  OptimizerConfig,
  TaskChoice,
  TrainConfig,
  TrainingEngine,
} from '@berth/contracts';
import type { TensorFlow } from '@berth/graph';
import {
  createEagerEngine,
  createGraphEngine,
  createPhasedEngine,
  taskModelOf,
} from '@berth/model';

/** What an engine is made from; crosses to the runtime thread. */
export interface EngineSpec {
  readonly task: TaskChoice;
  readonly model: ModelConfig;
  readonly optimizer: OptimizerConfig;
  readonly train: Pick<
    TrainConfig,
    'numSteps' | 'virtualRanks' | 'engine' | 'precision' | 'allReduceDtype'
  > &
    Partial<Pick<TrainConfig, 'evalEverySteps'>>;
  readonly seed: number;
  /** Shapes of a micro-batch, one for each phase of the run. */
  readonly shapes: readonly BatchShape[];
}

export function createEngine(spec: EngineSpec, tensorFlow: TensorFlow): TrainingEngine {
  const { model, optimizer, train, seed, shapes } = spec;
  const { precision, allReduceDtype } = train;
  const task = taskModelOf(spec.task);
  const options = { task, model, optimizer, train, seed, precision, allReduceDtype };
  if (train.engine === 'eager') return createEagerEngine(options);
  const open = (shape: BatchShape): TrainingEngine =>
    createGraphEngine({ ...options, shape, tensorFlow });
  return shapes.length === 1 ? open(shapes[0]!) : createPhasedEngine(shapes, open);
}
