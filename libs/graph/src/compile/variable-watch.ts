import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../tensorflow.ts';
import type { GraphDtype } from './dtypes.ts';

/** The same tensor as another one to the addon, over the same memory. */
export function ownHandle({ executeOp }: TensorFlow, tensor: Tensor): Tensor {
  const dtype = tensor.dtype as GraphDtype;
  return executeOp('Identity', { T: { dtype } }, [tensor], 1)[0]!;
}

/** Watches the variables of tfjs while a function is traced, and puts them back. */
export class VariableWatch {
  /** Variables there were, each with a handle of its own: tfjs lets variables share one with other tensors. */
  readonly known: readonly Variable[];
  /** Values to go back to. */
  readonly #values = new Map<Variable, Tensor>();
  readonly #engine: ReturnType<TensorFlow['tf']['engine']>;

  constructor(tensorFlow: TensorFlow) {
    const { tf } = tensorFlow;
    this.#engine = tf.engine();
    const makeVariable = this.#engine.makeVariable.bind(this.#engine);
    this.known = Object.values(this.#engine.registeredVariables).filter(
      ({ dtype }) => dtype !== 'string' && dtype !== 'complex64',
    );
    for (const variable of this.known) {
      this.#values.set(variable, tf.keep(variable.clone()));
      const handle = ownHandle(tensorFlow, variable);
      variable.assign(handle);
      handle.dispose();
    }
    this.#engine.makeVariable = (...args) => {
      const variable = makeVariable(...args);
      this.#values.set(variable, tf.keep(variable.clone()));
      return variable;
    };
  }

  /** How many variables were made since, and kept. */
  get numMade(): number {
    const known = new Set(this.known);
    return [...this.#values.keys()].filter((one) => !known.has(one) && !one.isDisposed).length;
  }

  /** Ends the watch: all variables have the values they had, or were made with. */
  restore(): void {
    Reflect.deleteProperty(this.#engine, 'makeVariable');
    for (const [variable, value] of this.#values) {
      if (!variable.isDisposed) variable.assign(value);
      value.dispose();
    }
  }
}
