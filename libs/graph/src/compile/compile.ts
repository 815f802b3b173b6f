import type { Tensor } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import { compiledFunction, type CompiledFunction } from './compiled-function.ts';
import { openGraphSession, type GraphSessionOptions } from './graph-session.ts';
import { traceFunction, type TensorFunction } from './trace.ts';

/**
 * Compiles a tfjs function to a TensorFlow graph: runs it on the example, writes down each operation, and loads the result.
 * What JavaScript decides on the way (branches, loops, a learning rate) is frozen as it was. The tfjs variables that the
 * function uses are found, those it makes at its first call included, as an optimizer does; they live in the graph from now
 * on, with the values they had, and what was a variable of tfjs keeps those.
 *
 * @returns a function that gives the same results in one native call
 * @throws BerthError `INTERNAL` that names the operation when something cannot be compiled
 */
export function compile<Inputs extends readonly Tensor[]>(
  tensorFlow: TensorFlow,
  fn: TensorFunction<Inputs>,
  example: Inputs,
  options: GraphSessionOptions = {},
): CompiledFunction<Inputs> {
  const { graph, variables } = traceFunction(tensorFlow, fn, example);
  const compiled = compiledFunction<Inputs>(openGraphSession(tensorFlow, graph, options));
  compiled.writeVariables(
    Object.fromEntries(variables.map((variable) => [variable.name, variable])),
  );
  return compiled;
}
