import { customGrad, tidy, type GradSaveFunc, type Tensor } from '@tensorflow/tfjs-core';

interface ForwardResult<Output extends Tensor, Saved extends readonly Tensor[]> {
  readonly output: Output;
  /** What the backward pass needs; kept until the gradient of the whole step is done. */
  readonly saved: Saved;
}

/**
 * Runs a block with a hand-written gradient. Only the given inputs are differentiated; integer inputs and constants
 * that the backward pass needs are saved. tfjs frees the intermediates of both passes.
 * @param backward - gives a tensor of its own for each input
 */
export function withGradient<
  const Inputs extends readonly Tensor[],
  const Saved extends readonly Tensor[],
  Output extends Tensor,
>(
  inputs: Inputs,
  forward: () => ForwardResult<Output, Saved>,
  backward: (outputGradient: Output, saved: Saved) => { readonly [K in keyof Inputs]: Tensor },
): Output {
  const block = customGrad<Output>((...inputsAndSave) => {
    const save = inputsAndSave.at(-1) as GradSaveFunc;
    const { output, saved } = forward();
    save([...saved]);
    return {
      value: output,
      gradFunc: (outputGradient, kept) =>
        tidy(() => [...backward(outputGradient, kept as readonly Tensor[] as Saved)]),
    };
  });
  return block(...inputs);
}
