import { EventEmitter, once } from 'node:events';
import {
  stateDigest,
  tasks,
  type ApplyResult,
  type GradientRequest,
  type GradientVector,
  type StateVectors,
  type TrainingState,
} from '@berth/contracts';
import type { EnginePort } from '@berth/training';
import { numElements, type Pace } from './members-setting.ts';

const { pretraining: task } = tasks;
const notAsked = (): Promise<never> => Promise.reject(new Error('nobody asks this here'));

/** Computes nothing that takes time: all members hold equal states, and each block's gradient depends on its place and the step. */
export function madeUpEngine(): EnginePort & { setPace(pace: Pace): void } {
  const state: StateVectors = {
    weights: new Float32Array(numElements),
    firstMoments: new Float32Array(numElements),
    secondMoments: new Float32Array(numElements),
  };
  const paces = new EventEmitter().setMaxListeners(0);
  let pace: Pace = 'train';
  let held: Float32Array | undefined;
  let step = 0;
  const copy = (from: StateVectors, to: StateVectors): void => {
    to.weights.set(from.weights);
    to.firstMoments.set(from.firstMoments);
    to.secondMoments.set(from.secondMoments);
  };
  return {
    task,
    layout: [{ name: 'kernel', shape: [128, 128], offset: 0, size: numElements, decayed: true }],
    setPace(next) {
      pace = next;
      paces.emit(next);
    },
    async initialize() {
      for (const vector of Object.values(state) as Float32Array[]) vector.fill(0);
      step = 0;
    },
    async loadState(from) {
      copy(from, state);
      ({ step } = from);
    },
    async readState(into) {
      const vectors = into ?? structuredClone(state);
      copy(state, vectors);
      return { step, ...vectors } satisfies TrainingState;
    },
    stateDigest: async (slice) => stateDigest(state, slice),
    async computeGradients(request: GradientRequest, into?: GradientVector) {
      if (pace === 'rest') await once(paces, 'train');
      const vector = into ?? new Float32Array(numElements + task.sums.length);
      const { start, length } = request.block;
      vector.fill(1);
      for (let index = 0; index < length; index++)
        vector[(request.step + start + index) % numElements] = start + index;
      return vector;
    },
    async takeGradients(reduced) {
      held = Float32Array.from(reduced.subarray(0, numElements));
      return 1;
    },
    async applyHeldGradients(): Promise<ApplyResult> {
      for (const [index, gradient] of (held ?? []).entries())
        state.weights[index] = Math.fround(state.weights[index]! - 1e-3 * gradient);
      step++;
      return { gradientNorm: 1, learningRate: 1e-3 };
    },
    evaluate: notAsked,
    predict: notAsked,
    measure: notAsked,
  };
}
