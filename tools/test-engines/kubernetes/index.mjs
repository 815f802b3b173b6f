import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findOnPath } from '../../setup/command.mjs';
import { findBinaries, missingBinaries } from './control-plane/binaries.mjs';
import { startOutside, trainCalmly } from './outside.mjs';
import { withKubernetes } from './cluster.mjs';
import { badJobs } from './bad-jobs.mjs';
import { report } from './report.mjs';
import { runFile } from './run-file.mjs';
import { disturbRun } from './scenario.mjs';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

export const name = 'kubernetes';

/** @returns {Promise<string | undefined>} why it cannot run here, in one line */
export async function check() {
  if (process.platform !== 'linux') return 'it needs Linux';
  if ((await findOnPath(['kubectl'])) === undefined) return 'no kubectl is on PATH';
  return missingBinaries();
}

/**
 * Trains under Jobs of a real API server, its controllers and its scheduler, on a node that starts pods as processes; disturbs
 * that by what Kubernetes does to pods; and compares the weights with those of a run that nothing disturbed.
 * @param {(line: string) => void} say
 * @throws Error when a Job's status, a worker's exit code, the ledger or the weights are not as they must be
 */
export async function test(say) {
  const binaries = await findBinaries(say);
  const folder = await mkdtemp(join(tmpdir(), 'berth-kubernetes-'));
  let isGood = false;
  try {
    const disturbed = await disturb({ folder, binaries, say });
    say(`training ${disturbed.numSteps} steps undisturbed, without Kubernetes`);
    const config = runFile(root, disturbed.numSteps);
    const calm = await trainCalmly({ root, folder: join(folder, 'calm'), config });
    const problems = report({ ...disturbed, calm });
    if (problems.length > 0) throw new Error(problems.join('\n'));
    isGood = true;
  } finally {
    if (isGood) await rm(folder, { recursive: true, force: true });
    else say(`logs and what is left are in ${folder}`);
  }
}

async function disturb({ folder, binaries, say }) {
  const outside = await startOutside({ root, folder: join(folder, 'outside') });
  try {
    const { variables, folder: berthFolder } = outside;
    const options = { root, folder, binaries, variables, berthFolder, say };
    return await withKubernetes(options, async (kubernetes) => {
      const cluster = { ...kubernetes, outside };
      const bad = await badJobs(cluster);
      const outcome = await disturbRun(cluster, say);
      return { ...outcome, everything: bad.everything, bad: await bad.judge() };
    });
  } finally {
    await outside.stop();
  }
}
