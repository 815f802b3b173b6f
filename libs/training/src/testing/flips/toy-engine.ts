import { stateDigest, type AlignedBlock, type TrainingState } from '@berth/contracts';
import type { FlipEngine } from './flip-run.ts';

const numToyParameters = 640;

/** Weights and moments as AdamW moves them, in fp32, by a made-up gradient that depends on all weights. */
export class ToyEngine implements FlipEngine {
  #state: TrainingState = initialToyState();

  loadState(state: TrainingState): void {
    this.#state = state;
  }

  readState(): TrainingState {
    return this.#state;
  }

  stateDigest(slice?: number): string {
    return stateDigest(this.#state, slice);
  }

  gradientOf(step: number, { start, length }: AlignedBlock): Float32Array {
    const { weights } = this.#state;
    const gradient = new Float32Array(numToyParameters);
    const mean = Math.fround(weights.reduce((sum, weight) => Math.fround(sum + weight), 0) / 640);
    for (let rank = start; rank < start + length; rank++)
      weights.forEach((weight, index) => {
        const noise = Math.fround(Math.sin((index + 1) * (rank + 1) + step * 0.7));
        gradient[index]! += Math.fround(0.1 * (weight - mean) + 0.02 * noise);
      });
    return gradient;
  }

  apply(reduced: Float32Array): void {
    const { step, weights, firstMoments, secondMoments } = this.#state;
    for (let index = 0; index < numToyParameters; index++) {
      const gradient = reduced[index]!;
      const first = Math.fround(
        Math.fround(0.9 * firstMoments[index]!) + Math.fround(0.1 * gradient),
      );
      const second = Math.fround(
        Math.fround(0.999 * secondMoments[index]!) + Math.fround(0.001 * gradient * gradient),
      );
      const direction = Math.fround(first / Math.fround(Math.sqrt(second) + 1e-6));
      firstMoments[index] = first;
      secondMoments[index] = second;
      weights[index]! -= Math.fround(0.001 * Math.fround(direction + 0.01 * weights[index]!));
    }
    this.#state = { step: step + 1, weights, firstMoments, secondMoments };
  }
}

export function initialToyState(): TrainingState {
  const weights = Float32Array.from({ length: numToyParameters }, (_, index) =>
    Math.fround(0.02 * Math.sin(index * 12.9898 + 1)),
  );
  const zeros = (): Float32Array => new Float32Array(numToyParameters);
  return { step: 0, weights, firstMoments: zeros(), secondMoments: zeros() };
}
