import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { addonPatch, applyEdits } from './addon-patch.mjs';
import { exists } from './cache.mjs';
import { compiledStep } from './compiled.mjs';

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
  return compiledStep({
    root,
    name: 'addon',
    after: ['packages', 'tensorflow'],
    doing: 'compiling tfjs-node-gpu against it',
    link: addonLink(root),
    plan: () => planBuild(packageFolder, cache, tensorflow),
  });
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
    units: ['tfjs_backend.cc', 'tfjs_binding.cc'],
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
