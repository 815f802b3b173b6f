export { uploadBatch, type BatchTensors } from './eager/batch-tensors.ts';
export { bertForPretraining, type BertOutputs, type ForwardContext } from './bert.ts';
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
  forwardFlopsPerExample,
  trainingFlopsPerStep,
  type ExampleShape,
} from './parameters/flops.ts';
export {
  fromHuggingFace,
  huggingFaceName,
  toHuggingFace,
  type HuggingFaceName,
  type HuggingFaceTensor,
} from './hugging-face/names.ts';
export { type BatchShape } from './graph/batch-shape.ts';
export {
  createGraphEngine,
  type GraphEngine,
  type GraphEngineOptions,
} from './graph/graph-engine.ts';
export { initialWeights } from './parameters/initialize.ts';
export {
  pretrainingLoss,
  stepSumsOf,
  type LossScales,
  type PretrainingLoss,
} from './tasks/pretraining/losses.ts';
export { updateRules } from './optimizers/update-rules.ts';
export {
  type ParameterState,
  type UpdateContext,
  type UpdateRule,
} from './optimizers/update-rule.ts';
export { countParameters, type ParameterCounts } from './parameters/parameter-counts.ts';
export { numParametersOf, parameterLayout } from './parameters/parameter-layout.ts';
export { learningRateAt, type ScheduleConfig } from './schedule.ts';
export { namedWeights, type Weights } from './parameters/weights.ts';
