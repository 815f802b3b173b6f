import { customGrad, tidy, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';

/** Runs a function as a block of the graph that is being compiled. */
export type BlockRunner = (
  name: string,
  inputs: readonly Tensor[],
  run: () => readonly Tensor[],
) => readonly Tensor[];

let activeRunner: BlockRunner | undefined;

/** Lets blocks take part in a compilation while `action` runs. */
export function withBlockRunner<T>(runner: BlockRunner, action: () => T): T {
  const outer = activeRunner;
  activeRunner = runner;
  try {
    return action();
  } finally {
    activeRunner = outer;
  }
}

/**
 * Names a function of tensors. Run plainly it is that function. In a compiled graph it becomes one library function that XLA
 * compiles once, however often it is called: its element-wise operations become one pass over memory.
 *
 * The name must stand for everything the function depends on besides its inputs, and the function may use nothing but its
 * inputs and constants. With a gradient, that is what differentiation uses, as a block of its own; without one, the
 * function's operations are differentiated one by one.
 *
 * @param gradient - of all inputs, from the gradient of the output and the inputs
 */
export function block<Inputs extends readonly Tensor[], Output extends Tensor>(
  name: string,
  forward: (...inputs: Inputs) => Output,
  gradient?: (dy: Output, ...inputs: Inputs) => { readonly [K in keyof Inputs]: Tensor },
): (...inputs: Inputs) => Output {
  const run = (...inputs: Inputs): Output =>
    runBlock(name, inputs, () => [forward(...inputs)])[0] as Output;
  if (gradient === undefined) return run;
  return (...inputs) =>
    customGrad<Output>((...inputsAndSave) => {
      const given = inputsAndSave.slice(0, -1) as readonly Tensor[] as Inputs;
      (inputsAndSave.at(-1) as GradSaveFunc)([...given]);
      return {
        value: run(...given),
        gradFunc: (dy, saved) => {
          const kept = saved as readonly Tensor[] as Inputs;
          return [...runBlock(`${name}_gradient`, [dy, ...kept], () => gradient(dy, ...kept))];
        },
      };
    })(...inputs);
}

function runBlock(
  name: string,
  inputs: readonly Tensor[],
  run: () => readonly Tensor[],
): readonly Tensor[] {
  const tidied = (): Tensor[] => tidy(() => [...run()]);
  return activeRunner === undefined ? tidied() : activeRunner(name, inputs, tidied);
}
