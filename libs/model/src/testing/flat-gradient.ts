import { unpackGradient, type GradientRequest, type TrainingEngine } from '@berth/contracts';

/** A block's gradient and step sums as fp32, whatever the engine's all-reduce dtype. */
export function flatGradient(engine: TrainingEngine, request: GradientRequest): Float32Array {
  return unpackGradient(engine.computeGradients(request), engine.numParameters);
}
