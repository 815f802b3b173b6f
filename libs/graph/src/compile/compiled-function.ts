import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import type { GraphSession } from './graph-session.ts';

/** A function of tensors as one native call. */
export interface CompiledFunction<Inputs extends readonly Tensor[] = readonly Tensor[]> {
  /**
   * The same results as the function's; the caller disposes them. Inputs must have the example's types and shapes.
   * The call has no gradient: compile the gradient instead.
   */
  (...inputs: Inputs): Tensor[];
  /** What the variables hold now, by name; the caller disposes them. */
  readVariables(): NamedTensorMap;
  /** Gives some or all of the variables other values. */
  writeVariables(values: NamedTensorMap): void;
  dispose(): void;
}

/** Names of the signatures and outputs of a traced graph. */
export const traced = {
  run: 'run',
  read: 'read',
  write: (variable: string): string => `write/${variable}`,
  input: (index: number): string => `input${index}`,
  result: (index: number): string => `result${index}`,
  finished: 'finished',
} as const;

/** The function that a traced graph is, once it is loaded. */
export function compiledFunction<Inputs extends readonly Tensor[]>(
  session: GraphSession,
): CompiledFunction<Inputs> {
  const call = (...tensors: Inputs): Tensor[] => {
    const inputs = Object.fromEntries(
      tensors.map((tensor, index) => [traced.input(index), tensor]),
    );
    const { [traced.finished]: finished, ...results } = session.runTensors(traced.run, inputs);
    finished?.dispose();
    return Object.values(results);
  };
  return Object.assign(call, {
    readVariables: () =>
      session.signatures.includes(traced.read) ? session.runTensors(traced.read, {}) : {},
    writeVariables(values: NamedTensorMap) {
      for (const [name, value] of Object.entries(values)) {
        const { done } = session.runTensors(traced.write(name), { value });
        done?.dispose();
      }
    },
    dispose: () => session.dispose(),
  });
}
