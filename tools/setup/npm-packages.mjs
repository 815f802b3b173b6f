import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

/**
 * node_modules as package-lock.json says; no package's scripts are run.
 * @param {{ root: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function packagesStep({ root }) {
  return {
    name: 'packages',
    after: ['node'],
    isDone: async () => {
      const wanted = await readPackages(join(root, 'package-lock.json'));
      const installed = await readPackages(join(root, 'node_modules/.package-lock.json'));
      if (!agree(wanted, installed)) return undefined;
      if (!(await areLinked(root, wanted))) return undefined;
      return `${Object.keys(installed).length} installed`;
    },
    missing: 'node_modules does not match package-lock.json',
    doing: 'npm install --ignore-scripts',
    perform: async () => {
      // Not `npm ci`: it refuses a lockfile that lacks optional packages of other platforms, as a mirror may not serve them.
      // Development packages build the rest, also where NODE_ENV=production leaves them out.
      const include = ['--include=dev', '--include=optional'];
      const options = [...include, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
      const result = await run('npm', ['install', ...options], { cwd: root });
      if (result.ok) return;
      throw new SetupFailure(
        result.missing ? 'npm is not on PATH' : `npm install failed (${reasonOf(result)})`,
        'check the network and the registry: npm config get registry',
      );
    },
  };
}

/**
 * Whether the workspaces are where the others look for them: the list of what is installed may be older than they are.
 * @param {string} root
 * @param {Packages} wanted
 */
export async function areLinked(root, wanted) {
  const links = Object.entries(wanted).flatMap(([folder, entry]) => (entry.link ? folder : []));
  const found = links.map((folder) =>
    access(join(root, folder)).then(
      () => true,
      () => false,
    ),
  );
  return (await Promise.all(found)).every(Boolean);
}

/**
 * @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean, link?: boolean }>} Packages
 * @param {string} file
 * @returns {Promise<Packages>} by folder; empty when there is no such file
 */
async function readPackages(file) {
  const text = await readFile(file, 'utf8').catch(() => '{"packages":{}}');
  return JSON.parse(text).packages;
}

/**
 * Whether every package of the lockfile is installed at its version; npm leaves out optional ones of other platforms.
 * @param {Packages} wanted
 * @param {Packages} installed
 */
export function agree(wanted, installed) {
  return Object.entries(wanted).every(([folder, entry]) => {
    if (folder === '') return true;
    const actual = installed[folder];
    if (actual === undefined) return entry.optional === true;
    return actual.version === entry.version && actual.integrity === entry.integrity;
  });
}
