import { BerthError, type ParameterSpec, type TrainingState } from '@berth/contracts';
import { dispose, mul, tidy, type Tensor } from '@tensorflow/tfjs-core';
import { concatFlat, readAndDispose, splitFlat } from './flat-tensors.ts';
import type { ParameterState, UpdateContext } from '../optimizers/update-rule.ts';
import { updateRules } from '../optimizers/update-rules.ts';
import { numParametersOf } from '../parameters/parameter-layout.ts';

type StateVectors = Omit<TrainingState, 'step'>;

/** Weights and moments on the device, one tensor per parameter, in layout order. Owns every tensor it holds. */
export class ParameterStore {
  readonly #layout: readonly ParameterSpec[];
  #states: readonly ParameterState[] = [];

  constructor(layout: readonly ParameterSpec[]) {
    this.#layout = layout;
  }

  /** @throws BerthError `INTERNAL` before anything was loaded */
  get weights(): readonly Tensor[] {
    return this.#loaded().map(({ weight }) => weight);
  }

  /**
   * Copies flat vectors to the device.
   * @throws BerthError `CHECKPOINT_MISMATCH` when their length is not the layout's
   */
  load(vectors: StateVectors): void {
    const [weights, firstMoments, secondMoments] = [
      vectors.weights,
      vectors.firstMoments,
      vectors.secondMoments,
    ].map((flat) => splitFlat(this.#layout, this.#copyOf(flat)));
    this.dispose();
    this.#states = this.#layout.map((_, index) => ({
      weight: at(weights, index),
      firstMoment: at(firstMoments, index),
      secondMoment: at(secondMoments, index),
    }));
  }

  /** Copies everything to the host. */
  read(): StateVectors {
    const states = this.#loaded();
    return {
      weights: readAndDispose(concatFlat(states.map(({ weight }) => weight))),
      firstMoments: readAndDispose(concatFlat(states.map(({ firstMoment }) => firstMoment))),
      secondMoments: readAndDispose(concatFlat(states.map(({ secondMoment }) => secondMoment))),
    };
  }

  /** One optimizer update by `gradient * factor`; the gradient is flat and not kept. */
  update(gradient: Float32Array, factor: number, context: Omit<UpdateContext, 'decayed'>): void {
    const rule = updateRules[context.config.name];
    const gradients = splitFlat(this.#layout, gradient);
    const states = this.#loaded();
    this.#states = this.#layout.map(({ decayed }, index) => {
      const state = at(states, index);
      const next = tidy(() => ({
        ...rule(state, mul(at(gradients, index), factor), { ...context, decayed }),
      }));
      dispose([at(gradients, index), ...Object.values(state)]);
      return next;
    });
  }

  dispose(): void {
    dispose(this.#states.flatMap((state) => Object.values(state)));
    this.#states = [];
  }

  #loaded(): readonly ParameterState[] {
    if (this.#states.length > 0) return this.#states;
    throw new BerthError('INTERNAL', 'the engine holds no weights; call initialize or loadState');
  }

  /** A copy, because tensors may share the memory of the array they are made from. */
  #copyOf(flat: Float32Array): Float32Array {
    const numParameters = numParametersOf(this.#layout);
    if (flat.length === numParameters) return flat.slice();
    throw new BerthError(
      'CHECKPOINT_MISMATCH',
      `the state has ${flat.length} values, the model ${numParameters} parameters; ` +
        'use the model section and vocabulary the state was made with',
    );
  }
}

function at<T>(items: readonly T[] | undefined, index: number): T {
  const item = items?.[index];
  if (item === undefined) throw new BerthError('INTERNAL', `no parameter ${index}`);
  return item;
}
