import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, installFolder, requireSpace } from './cache.mjs';
import { tensorflowCpu, tensorflowHeaders } from './pins.mjs';
import { downloadWheel, unpackWheel } from './wheel.mjs';

/** The wheel and what is kept of it exist side by side for a moment. */
const neededBytes = 1.4e9;

const members = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  'tensorflow/include/LICENSE',
  ...tensorflowHeaders.map((header) => `tensorflow/include/${header}`),
];

/**
 * The TensorFlow C library from its PyPI wheel: two shared libraries and the headers, laid out as in the wheel.
 * @param {string} cache
 * @returns {import('./step.mjs').Step}
 */
export function tensorflowStep(cache) {
  const folder = tensorflowFolder(cache);
  return {
    name: 'tensorflow',
    isDone: async () =>
      (await exists(folder)) ? `${tensorflowCpu.name} ${tensorflowCpu.version}` : undefined,
    missing: `${tensorflowCpu.name} ${tensorflowCpu.version} is not in ${cache}`,
    doing: `downloading ${tensorflowCpu.name} ${tensorflowCpu.version} (274 MB)`,
    perform: async () => {
      await requireSpace(cache, neededBytes, 'TensorFlow');
      await installFolder(folder, async (temporary) => {
        const download = join(temporary, 'download');
        await mkdir(download);
        const wheel = await downloadWheel(tensorflowCpu, download);
        const pattern = members.map((name) => name.replaceAll('.', '\\.')).join('|');
        await unpackWheel(wheel, temporary, pattern, members.length);
        await rm(download, { recursive: true });
      });
    },
  };
}

/** @param {string} cache */
export function tensorflowFolder(cache) {
  return join(cache, `${tensorflowCpu.name}-${tensorflowCpu.version}`);
}
