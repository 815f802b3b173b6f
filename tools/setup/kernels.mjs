import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compiledStep } from './compiled.mjs';

/** No product and sum are fused into one rounding, so that each set of instructions gives the same bits. */
const flags = [
  '-shared',
  '-fPIC',
  '-pthread',
  '-std=c++17',
  '-O3',
  '-ffp-contract=off',
  '-Wno-psabi',
  '-DNAPI_VERSION=8',
];

/**
 * The kernels of the all-reduce, compiled from libs/collectives/native and linked beside their sources.
 * @param {{ root: string, cache: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function kernelsStep({ root, cache }) {
  const folder = join(root, 'libs/collectives/native');
  return compiledStep({
    root,
    name: 'kernels',
    after: ['packages'],
    doing: 'compiling the kernels of the all-reduce',
    link: join(folder, 'sums.node'),
    plan: async () => {
      const names = (await readdir(folder)).filter((file) => /\.(cc|h)$/.test(file)).toSorted();
      const texts = await Promise.all(names.map((file) => readFile(join(folder, file), 'utf8')));
      const sources = new Map(texts.map((text, index) => [names[index], text]));
      const digest = createHash('sha256').update(JSON.stringify([[...sources], flags]));
      return {
        sources,
        units: names.filter((file) => file.endsWith('.cc')),
        flags,
        addon: join(cache, `kernels-${digest.digest('hex').slice(0, 16)}`, 'sums.node'),
      };
    },
  });
}
