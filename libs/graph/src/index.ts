export { tensorFlowEnvironment, type TensorFlowOptions } from './environment.ts';
export {
  type ExecuteOp,
  type OpAttribute,
  type OpAttributes,
  type TensorFlowDtype,
} from './raw-op.ts';
export { numericsOf, startTensorFlow, type TensorFlow } from './tensorflow.ts';
