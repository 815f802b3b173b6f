import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** What would name services of the user's own. */
const foreign = /^(REDIS_URL|AWS_.*|BERTH_.*)$/;

/**
 * Runs `berth` to its end.
 * @param {readonly string[]} args
 * @param {{ folder: string, env: NodeJS.ProcessEnv, more?: Record<string, string> }} options
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>}
 */
export function berth(args, { folder, env, more = {} }) {
  const clean = Object.entries(env).filter(([name]) => !foreign.test(name));
  const child = spawn(process.execPath, [join(root, 'apps/cli/bin/berth.js'), ...args], {
    env: { ...Object.fromEntries(clean), BERTH_FOLDER: folder, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 600_000,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** As `berth`. @throws Error with the end of what it wrote when it fails */
export async function mustBerth(args, options) {
  const outcome = await berth(args, options);
  if (outcome.code !== 0)
    throw new Error(
      `berth ${args.join(' ')} ended with ${outcome.code}: ${outcome.stderr.trim().slice(-1_500)}`,
    );
  return outcome;
}
