import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

const program = fileURLToPath(new URL('proof-program.cjs', import.meta.url));

/**
 * A matrix product in a process of its own; what it reports is remembered beside the addon.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function proofStep({ root }) {
  const stamp = join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/proof.txt');
  return {
    name: 'proof',
    isDone: () => readFile(stamp, 'utf8').catch(() => undefined),
    missing: 'TensorFlow has not yet multiplied two matrices here',
    doing: 'multiplying two matrices',
    perform: async () => {
      const result = await run(process.execPath, [program], { cwd: root });
      if (!result.ok) {
        throw new SetupFailure(
          `TensorFlow does not run (${reasonOf(result)})`,
          'remove the cache folder and run setup again',
        );
      }
      await writeFile(stamp, result.stdout.trim());
    },
  };
}
