import type { StateVectors } from '@berth/contracts';

/** Memory for a state that other threads can see. */
export function sharedVectors(numParameters: number): StateVectors {
  const vector = (): Float32Array =>
    new Float32Array(new SharedArrayBuffer(numParameters * Float32Array.BYTES_PER_ELEMENT));
  return { weights: vector(), firstMoments: vector(), secondMoments: vector() };
}
