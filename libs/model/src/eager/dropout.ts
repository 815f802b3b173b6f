import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import { counterHash, hashDomains, hashKey, type HashKey } from '../counter-hash.ts';

/** The forward pass that a mask belongs to. All words are unsigned 32-bit. */
export interface DropoutPass {
  readonly seed: number;
  readonly step: number;
  readonly virtualRank: number;
  /** Position among the virtual rank's micro-batches. */
  readonly microBatch: number;
}

/** The places of the model that drop values, as the last word of a mask's key. */
export const dropoutSites = {
  embeddings: 0,
  attentionProbabilities: (layer: number): number => 3 * layer + 1,
  attentionOutput: (layer: number): number => 3 * layer + 2,
  feedForwardOutput: (layer: number): number => 3 * layer + 3,
  /** What a head reads, in tasks whose head drops values. */
  headInput: (numLayers: number): number => 3 * numLayers + 1,
} as const;

/** Gives a site's mask: 0 where a value is dropped, 1 / (1 - ratio) where it is kept. */
export type DropoutMasks = (site: number, shape: readonly number[], ratio: number) => Tensor;

/**
 * The key of one site's mask: `hashKey(1, seed, step, virtualRank, microBatch, site)`.
 */
export function dropoutKey(pass: DropoutPass, site: number): HashKey {
  const { seed, step, virtualRank, microBatch } = pass;
  return hashKey(hashDomains.dropout, seed, step, virtualRank, microBatch, site);
}

/** An element is dropped when its 24 random bits are below this. */
export function dropoutThreshold(ratio: number): number {
  return Math.round(ratio * 2 ** 24);
}

/**
 * Inverted dropout as a pure function of (key, element), the same in every engine:
 *
 *     h = counterHash(k0, k1, e)                        e = row-major index of the element
 *     mask[e] = (h >>> 8) < round(ratio * 2^24) ? 0 : fp32(1 / (1 - ratio))
 *
 * The logical shift leaves 24 bits, so the comparison is the same for signed and unsigned integers. Without a logical
 * shift: (h >> 8) & 0xffffff. Test vector: seed 12345, step 7, virtual rank 3, micro-batch 1, site 2, ratio 0.1 give the
 * key (158264628, -1835312182) and, for elements 0 to 3, h = 1133417751, -119383446, -1972594984, 2000700306 (signed).
 */
export function dropoutMask(key: HashKey, length: number, ratio: number): Float32Array {
  const [k0, k1] = key;
  const threshold = dropoutThreshold(ratio);
  const scale = 1 / (1 - ratio);
  const mask = new Float32Array(length);
  for (let index = 0; index < length; index++)
    if (counterHash(k0, k1, index) >>> 8 >= threshold) mask[index] = scale;
  return mask;
}

/** The masks of one forward pass, made on the host and uploaded; the caller disposes the tensors. */
export function hostDropoutMasks(pass: DropoutPass): DropoutMasks {
  return (site, shape, ratio) => {
    const length = shape.reduce((product, dimension) => product * dimension, 1);
    return tensor(dropoutMask(dropoutKey(pass, site), length, ratio), [...shape]);
  };
}
