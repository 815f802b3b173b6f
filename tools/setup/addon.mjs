import { createHash } from 'node:crypto';
import { mkdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { addonPatch, applyEdits } from './addon-patch.mjs';
import { exists, installFolder } from './cache.mjs';
import { findOnPath, reasonOf, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';

const sourceFiles = [
  'napi_auto_ref.h',
  'tf_auto_status.h',
  'tf_auto_tensor.h',
  'tfe_auto_op.h',
  'tfjs_backend.cc',
  'tfjs_backend.h',
  'tfjs_binding.cc',
  'utils.h',
];

/**
 * The N-API addon of tfjs-node-gpu, compiled from its own patched sources and linked into node_modules.
 * @param {{ root: string, cache: string, tensorflow: string }} folders
 * @returns {import('./step.mjs').Step}
 */
export function addonStep({ root, cache, tensorflow }) {
  const packageFolder = join(root, 'node_modules/@tensorflow/tfjs-node-gpu');
  const link = addonLink(root);
  const plan = () => planBuild(packageFolder, cache, tensorflow);
  return {
    name: 'addon',
    after: ['packages', 'tensorflow'],
    isDone: async () => {
      const { addon } = await plan();
      const isLinked = (await readlink(link).catch(() => '')) === addon && (await exists(addon));
      return isLinked ? basename(dirname(addon)) : undefined;
    },
    missing: `${link} is not there or not built from the present sources`,
    doing: 'compiling tfjs-node-gpu against it',
    perform: async () => {
      const { sources, flags, addon } = await plan();
      if (!(await exists(addon)))
        await installFolder(dirname(addon), (folder) => compile({ folder, sources, flags, root }));
      await replaceLink(link, addon);
    },
  };
}

/**
 * Where tfjs-node-gpu looks for its addon.
 * @param {string} root
 */
export function addonLink(root) {
  return join(root, 'node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node');
}

/**
 * What to compile and where the result belongs: a folder named by the digest of everything that goes into it.
 * @param {string} packageFolder
 * @param {string} cache
 * @param {string} tensorflow
 */
async function planBuild(packageFolder, cache, tensorflow) {
  const sources = applyEdits(await readSources(join(packageFolder, 'binding')), addonPatch);
  const flags = [
    '-shared',
    '-fPIC',
    '-pthread',
    '-std=c++17',
    '-O2',
    '-DNAPI_VERSION=8',
    '-l:libtensorflow_cc.so.2',
    '-l:libtensorflow_framework.so.2',
    `-Wl,-rpath,$ORIGIN/../${basename(tensorflow)}/tensorflow`,
  ];
  // The places are left out, so that a cache can be moved or copied into an image.
  const digest = createHash('sha256')
    .update(JSON.stringify([[...sources], flags]))
    .digest('hex');
  const places = [`-I${tensorflow}/tensorflow/include`, `-L${tensorflow}/tensorflow`];
  return {
    sources,
    flags: [...places, ...flags],
    addon: join(cache, `addon-${digest.slice(0, 16)}`, 'tfjs_binding.node'),
  };
}

/**
 * @param {string} folder
 * @returns {Promise<Map<string, string>>} file name to text; empty when the package is not installed
 */
async function readSources(folder) {
  if (!(await exists(folder))) return new Map();
  const texts = sourceFiles.map((file) => readFile(join(folder, file), 'utf8'));
  return new Map((await Promise.all(texts)).map((text, index) => [sourceFiles[index], text]));
}

/** @param {{ folder: string, sources: Map<string, string>, flags: readonly string[], root: string }} build */
async function compile({ folder, sources, flags, root }) {
  const compiler = process.env['CXX'] || (await findOnPath(['g++', 'c++', 'clang++']));
  if (compiler === undefined) {
    throw new SetupFailure(
      'there is no C++ compiler on PATH',
      'install one, for example: apt-get install g++',
    );
  }
  for (const [file, text] of sources) await writeFile(join(folder, file), text);
  const headers = join(root, 'node_modules/node-api-headers/include');
  const [units, libraries] = [
    ['tfjs_backend.cc', 'tfjs_binding.cc'],
    ['-o', 'tfjs_binding.node'],
  ];
  const result = await run(compiler, [...units, `-I${headers}`, ...flags, ...libraries], {
    cwd: folder,
  });
  if (result.ok) return folder;
  throw new SetupFailure(
    `${compiler} could not compile the addon (${reasonOf(result)})`,
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
