export { tensorFlowEnvironment, type TensorFlowOptions } from './environment.ts';
export { type ExecuteOp, type OpAttribute, type OpAttributes } from './raw-op.ts';
export { numericsOf, startTensorFlow, type TensorFlow } from './tensorflow.ts';
export { block } from './compile/block.ts';
export { compile } from './compile/compile.ts';
export {
  compileModule,
  type FunctionAndExample,
  type FunctionFactory,
  type ModuleOptions,
} from './compile/compile-module.ts';
export { type CompiledFunction } from './compile/compiled-function.ts';
export { sizeOf, type GraphDtype, type TensorSpec } from './compile/dtypes.ts';
export { type FunctionBody } from './compile/function-body.ts';
export {
  openGraphSession,
  type GraphSession,
  type GraphSessionOptions,
} from './compile/graph-session.ts';
export { Graph, type BlockBody, type GraphVariable, type Signature } from './compile/graph.ts';
export { type Scope, type Value } from './compile/scope.ts';
export { type TensorFunction } from './compile/trace.ts';
export { type TensorData } from './compile/session-binding.ts';
export * as ops from './compile/ops.ts';
