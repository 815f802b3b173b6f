export { uploadBatch, type BatchTensors } from './eager/batch-tensors.ts';
export { type ForwardContext } from './bert.ts';
export { clipFactor, globalNorm } from './clip.ts';
export { counterHash, hashDomains, hashKey, type HashKey } from './counter-hash.ts';
export {
  dropoutKey,
  dropoutMask,
  dropoutSites,
  dropoutThreshold,
  hostDropoutMasks,
  type DropoutMasks,
  type DropoutPass,
} from './eager/dropout.ts';
export { createEagerEngine, type EngineOptions } from './eager/eager-engine.ts';
export {
  createForwardEngine,
  type ForwardEngine,
  type ForwardEngineOptions,
} from './eager/forward-engine.ts';
export { forwardFlopsPerExample, trainingFlopsPerStep } from './tasks/pretraining/flops.ts';
export {
  fromHuggingFace,
  huggingFaceName,
  toHuggingFace,
  type HuggingFaceName,
  type HuggingFaceTensor,
} from './hugging-face/names.ts';
export {
  createGraphEngine,
  type GraphEngine,
  type GraphEngineOptions,
} from './graph/graph-engine.ts';
export {
  continueFrom,
  type Continued,
  type ContinueOptions,
  type StoredWeights,
} from './parameters/continue-from.ts';
export { createPhasedEngine, type PhasedEngine } from './phased-engine.ts';
export { initialWeights } from './parameters/initialize.ts';
export { pooledClassifier } from './heads/pooled-classifier.ts';
export { poolerShapes } from './heads/pooler.ts';
export { madeUpBatch } from './made-up-batch.ts';
export { fineTuningModel, outputParameters, taskModelOf, taskModels } from './tasks/index.ts';
export type {
  EagerHead,
  GraphHead,
  HeadGradient,
  HeadPass,
  TaskModel,
} from './tasks/task-model.ts';
export { updateRules } from './optimizers/update-rules.ts';
export {
  type ParameterState,
  type UpdateContext,
  type UpdateRule,
} from './optimizers/update-rule.ts';
export { countParameters, type ParameterCounts } from './tasks/pretraining/parameter-counts.ts';
export { numParametersOf, parameterLayout } from './parameters/parameter-layout.ts';
export { namedWeights, type Weights } from './parameters/weights.ts';
