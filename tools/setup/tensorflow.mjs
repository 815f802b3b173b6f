import { join } from 'node:path';
import { exists, requireSpace } from './cache.mjs';
import { findOnPath } from './command.mjs';
import { variants } from './pins.mjs';
import { installPart } from './wheel.mjs';

/**
 * Which build of TensorFlow this machine wants.
 * @param {'gpu' | 'cpu' | undefined} forced
 * @returns {Promise<import('./pins.mjs').Variant>}
 */
export async function chooseVariant(forced) {
  if (forced !== undefined) return variants[forced];
  const hasGpu = (await exists('/dev/nvidia0')) || (await findOnPath(['nvidia-smi'])) !== undefined;
  return hasGpu ? variants.gpu : variants.cpu;
}

/**
 * The TensorFlow C library, and CUDA for the GPU build, from PyPI wheels and laid out as there: the libraries find each
 * other by relative paths.
 * @param {{ cache: string, variant: import('./pins.mjs').Variant }} options
 * @returns {import('./step.mjs').Step}
 */
export function tensorflowStep({ cache, variant }) {
  const tree = join(cache, variant.name);
  const missingParts = async () => {
    const present = await Promise.all(variant.parts.map((part) => exists(join(tree, part.folder))));
    return variant.parts.filter((_, index) => !present[index]);
  };
  return {
    name: 'tensorflow',
    after: ['node'],
    isDone: async () => ((await missingParts()).length === 0 ? variant.name : undefined),
    missing: `${variant.name} is not complete in ${cache}`,
    doing: `downloading ${variant.name} (${(variant.downloadBytes / 1e9).toFixed(1)} GB)`,
    perform: async () => {
      await requireSpace(cache, variant.neededBytes, variant.name);
      for (const part of await missingParts()) await installPart(part, join(tree, part.folder));
    },
  };
}
