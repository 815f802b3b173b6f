import { readFile, readlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonLink } from './addon.mjs';
import { reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

const program = fileURLToPath(new URL('proof-program.cjs', import.meta.url));

/**
 * A matrix product in a process of its own; what it reports is remembered beside the addon.
 * @param {{ root: string, needsGpu: boolean }} options
 * @returns {import('./step.mjs').Step}
 */
export function proofStep({ root, needsGpu }) {
  const read = async () => {
    const addon = await readlink(addonLink(root)).catch(() => '');
    return readFile(proofFile(addon), 'utf8').catch(() => undefined);
  };
  return {
    name: 'proof',
    after: ['addon'],
    isDone: async () => {
      const report = await read();
      return needsGpu && !report?.endsWith('GPU') ? undefined : report;
    },
    missing: `TensorFlow has not yet multiplied two matrices here${needsGpu ? ' on a GPU' : ''}`,
    doing: 'multiplying two matrices',
    perform: async () => {
      const result = await run(process.execPath, [program], { cwd: root });
      if (!result.ok) {
        throw new SetupFailure(
          `TensorFlow does not run (${reasonOf(result)})`,
          'remove the folder berth in your cache (~/.cache) and run setup again',
        );
      }
      const report = result.stdout.trim();
      if (needsGpu && !report.endsWith('GPU')) {
        throw new SetupFailure(
          'TensorFlow sees no GPU',
          'check that nvidia-smi lists one, or take the CPU build: npm run setup -- --no-gpu',
        );
      }
      await writeFile(proofFile(await readlink(addonLink(root))), report);
    },
  };
}

/** @param {string} addon */
function proofFile(addon) {
  return join(dirname(addon), 'proof.txt');
}
