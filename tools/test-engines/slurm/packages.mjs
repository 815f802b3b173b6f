import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, exists, installFolder } from '../../setup/cache.mjs';
import { must } from '../../test-compose/command.mjs';

/** Debian's packages of Slurm and munge, with what they need that is not in every installation. */
const names = [
  'slurmctld',
  'slurmd',
  'slurm-client',
  'slurm-wlm-basic-plugins',
  'munge',
  'libmunge2',
  'libhwloc15',
  'libyaml-0-2',
  'libjson-c5',
  'liblua5.1-0',
];

/**
 * The packages unpacked in the cache: nothing is installed, and nothing of them needs root.
 * @param {(line: string) => void} say
 * @returns {Promise<string>} the folder that stands for `/`
 * @throws Error with apt-get's words when they cannot be had
 */
export async function ensurePackages(say) {
  const folder = join(cacheFolder(), 'slurm-debian');
  if (await exists(folder)) return folder;
  say(`downloading packages of Debian, 4 MB, and unpacking them in ${folder}: ${names.join(', ')}`);
  await installFolder(folder, async (temporary) => {
    const [archives, root] = [join(temporary, 'archives'), join(temporary, 'root')];
    await mkdir(archives);
    await mkdir(root);
    await must('apt-get', ['download', ...names], { cwd: archives, timeoutMs: 300_000 });
    for (const archive of await readdir(archives))
      await must('dpkg', ['-x', join(archives, archive), root]);
    return root;
  });
  return folder;
}

/** @param {string} root - of the packages @returns {Promise<string>} the folder of libraries, by the machine's kind */
export async function libraryFolder(root) {
  const folder = join(root, 'usr/lib');
  const kinds = (await readdir(folder)).filter((name) => name.includes('-linux-'));
  if (kinds.length !== 1) throw new Error(`${folder} has no libraries of one kind of machine`);
  return join(folder, kinds[0]);
}
