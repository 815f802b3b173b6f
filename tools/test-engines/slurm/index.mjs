import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testBadInput } from './bad-input.mjs';
import { ensurePackages } from './packages.mjs';
import { testRun } from './run.mjs';
import { startSlurm } from './slurm-cluster.mjs';

export const name = 'slurm';

/** What the test needs of the machine besides berth; the packages themselves may be in the cache. */
const programs = [
  ['bash', '--version'],
  ['apt-get', '--version'],
  ['dpkg', '--version'],
];

/** @returns {Promise<string | undefined>} why it cannot run here */
export async function check() {
  const missing = programs.find(([program, ...args]) => spawnSync(program, args).status !== 0);
  if (missing !== undefined)
    return `Slurm comes from Debian's packages here, and ${missing[0]} is not installed`;
  try {
    await ensurePackages((line) => console.log(`slurm: ${line}`));
    return undefined;
  } catch (error) {
    return `the packages of Slurm cannot be had: ${error.message.trim().split('\n').at(-1)}`;
  }
}

/** @param {(line: string) => void} say */
export async function test(say) {
  const root = await ensurePackages(say);
  const folder = await mkdtemp(join(tmpdir(), 'berth-slurm-'));
  const [own, hidden] = [join(folder, 'slurm'), join(folder, 'hidden')];
  for (const path of [own, hidden]) await mkdir(path, { mode: 0o700 });
  try {
    const slurm = await startSlurm({ root, folder: own, hidden });
    try {
      say('slurmctld and the nodes are up, with munge');
      await testBadInput({ slurm, folder, hidden, say });
      await testRun({ slurm, folder, say });
    } finally {
      await slurm.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
