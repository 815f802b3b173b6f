import { mkdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists, installFolder } from './cache.mjs';
import { findOnPath, reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/**
 * What to compile and where the result belongs: a folder of the cache, named by the digest of everything that goes into it.
 * @typedef {object} Build
 * @property {Map<string, string>} sources - file name to text
 * @property {readonly string[]} units - the files that are compiled
 * @property {readonly string[]} flags
 * @property {string} addon
 */

/**
 * An N-API addon, compiled into the cache and linked to where it is looked for.
 * @param {{ root: string, name: string, after: readonly string[], doing: string, link: string, plan: () => Promise<Build> }} addon
 * @returns {import('./step.mjs').Step}
 */
export function compiledStep({ root, name, after, doing, link, plan }) {
  return {
    name,
    after,
    isDone: async () => {
      const { addon } = await plan();
      const isLinked = (await readlink(link).catch(() => '')) === addon && (await exists(addon));
      return isLinked ? basename(dirname(addon)) : undefined;
    },
    missing: `${link} is not there or not built from the present sources`,
    doing,
    perform: async () => {
      const build = await plan();
      if (!(await exists(build.addon)))
        await installFolder(dirname(build.addon), (folder) => compile(folder, build, root));
      await replaceLink(link, build.addon);
    },
  };
}

/**
 * @param {string} folder
 * @param {Build} build
 * @param {string} root
 */
async function compile(folder, { sources, units, flags, addon }, root) {
  const compiler = process.env['CXX'] || (await findOnPath(['g++', 'c++', 'clang++']));
  if (compiler === undefined) {
    throw new SetupFailure(
      'there is no C++ compiler on PATH',
      'install one, for example: apt-get install g++',
    );
  }
  for (const [file, text] of sources) await writeFile(join(folder, file), text);
  const headers = join(root, 'node_modules/node-api-headers/include');
  const output = ['-o', basename(addon)];
  const result = await run(compiler, [...units, `-I${headers}`, ...flags, ...output], {
    cwd: folder,
  });
  if (result.ok) return folder;
  throw new SetupFailure(
    `${compiler} could not compile ${basename(addon)} (${reasonOf(result)})`,
    'install a C++17 compiler and its standard library, for example: apt-get install g++',
  );
}

/**
 * Puts a symbolic link in place, whatever was there.
 * @param {string} link
 * @param {string} target
 */
async function replaceLink(link, target) {
  const temporary = `${link}.${process.pid}`;
  await mkdir(dirname(link), { recursive: true });
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, link);
}
