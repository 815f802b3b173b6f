#!/usr/bin/env node
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { addonLink, addonStep } from '../../tools/setup/addon.mjs';
import { variants } from '../../tools/setup/pins.mjs';
import { installPart } from '../../tools/setup/wheel.mjs';
import { filesOfPackages } from './packages.mjs';
import { writePieces } from './pieces.mjs';

const help = `Usage: node infra/gpu/pack.mjs [options]

Packs what verify needs on a machine without Node, packages and network into .gpu/pieces/01, 02, ..., each small enough for one transfer.
Run it in a checkout that is set up; again after changes: what has not changed is not compressed again.

  --variant V     gpu, or cpu to try the same without one (default gpu)
  --piece-mib N   most that a piece has (default 46: 64 MiB less the tracked files and some air)
  --level N       of xz, 0 to 9 (default 6)`;

const root = fileURLToPath(new URL('../../', import.meta.url));
const gpu = join(root, '.gpu');
const run = promisify(execFile);

/** Of cuDNN only what opening it and making a handle loads: BERT has no convolutions. */
const keptOfCudnn = 'lib/libcudnn(_graph|_ops)?\\.so.*';

/** Of the CUDA build: the rest is opened under its name only, or not at all, and the machine's own may stand in. */
const archivesOfParts = {
  'nvidia/cuda_runtime': 'tensorflow',
  'nvidia/cuda_nvcc': 'tensorflow',
  tensorflow: 'tensorflow',
  'nvidia/cudnn': 'cudnn',
  'nvidia/cublas': 'cublas',
};
const needed = ['program', 'node', 'tensorflow'];

const { values } = parseArgs({
  options: {
    variant: { type: 'string', default: 'gpu' },
    'piece-mib': { type: 'string', default: '46' },
    level: { type: 'string', default: '6' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(help);
else await pack();

async function pack() {
  const variant = variants[values.variant];
  if (variant === undefined) throw new RangeError(`--variant is gpu or cpu, not ${values.variant}`);
  const stages = await stageLibraries(variant);
  stages.node = await stageNode();
  stages.program = await stageProgram(join(stages.tensorflow, '.gpu/cache/berth', variant.name));
  const archives = [];
  for (const name of [...needed, ...Object.keys(stages).filter((one) => !needed.includes(one))])
    archives.push({
      name,
      file: await compress(name, stages[name]),
      isNeeded: needed.includes(name),
    });
  await tell(archives);
}

/**
 * TensorFlow and CUDA, laid out below folders as they go into the checkout.
 * @param {import('../../tools/setup/pins.mjs').Variant} variant
 * @returns {Promise<Record<string, string>>} folder by archive
 */
async function stageLibraries(variant) {
  const stages = {};
  for (const part of variant.parts) {
    const archive = archivesOfParts[part.folder];
    if (archive === undefined) continue;
    stages[archive] = join(gpu, 'stage', values.variant, archive);
    const folder = join(stages[archive], '.gpu/cache/berth', variant.name, part.folder);
    if (existsSync(folder)) continue;
    console.log(`fetching ${part.wheel.name} ${part.wheel.version}`);
    await installPart(archive === 'cudnn' ? { ...part, keep: keptOfCudnn } : part, folder);
  }
  return stages;
}

async function stageNode() {
  const stage = join(gpu, 'stage', 'node');
  const file = join(stage, '.gpu/node/bin/node');
  await mkdir(dirname(file), { recursive: true });
  await copyFile(process.execPath, file);
  await chmod(file, 0o755);
  return stage;
}

/**
 * What is compiled of bench and the packages it measures with, and the addon for this TensorFlow.
 * @param {string} tensorflow
 */
async function stageProgram(tensorflow) {
  const stage = join(gpu, 'stage', values.variant, 'program');
  await rm(stage, { recursive: true, force: true });
  for (const { path, link } of await filesOfPackages(root)) {
    const target = join(stage, path);
    await mkdir(dirname(target), { recursive: true });
    if (link === undefined) await cp(join(root, path), target);
    else await symlink(link, target);
  }
  const cache = join(stage, '.gpu/cache/berth');
  await mkdir(cache, { recursive: true });
  await addonStep({ root: stage, cache, tensorflow }).perform();
  const link = addonLink(stage);
  const addon = await readlink(link);
  await rm(link);
  await symlink(relative(dirname(link), addon), link);
  return stage;
}

/**
 * @param {string} name
 * @param {string} stage
 * @returns {Promise<string>} the archive, the same file for the same content
 */
async function compress(name, stage) {
  const key = await digestOfTree(stage);
  const file = join(gpu, 'archives', `${name}-${key}-${values.level}.tar.xz`);
  if (existsSync(file)) return file;
  await mkdir(dirname(file), { recursive: true });
  for (const old of await readdir(dirname(file)))
    if (old.startsWith(`${name}-`)) await rm(join(dirname(file), old));
  console.log(`compressing ${name}`);
  const tar = `tar -C '${stage}' --sort=name --owner=0 --group=0 --mtime=@0 -c . | xz -${values.level} -T1 > '${file}.partial'`;
  await run('bash', ['-o', 'pipefail', '-c', `${tar} && mv '${file}.partial' '${file}'`]);
  return file;
}

/** By names, sizes and what links name; the libraries' content is pinned, that of the program is small and read. */
async function digestOfTree(folder) {
  const hash = createHash('sha256');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.flatMap((entry) =>
    entry.isDirectory() ? [] : [join(entry.parentPath, entry.name)],
  );
  for (const path of paths.toSorted()) {
    const linked = await readlink(path).catch(() => undefined);
    const { size } = linked === undefined ? await stat(path) : { size: 0 };
    const content = size < 1e6 && linked === undefined ? await readFile(path) : String(size);
    hash.update(`${relative(folder, path)}\n${linked ?? ''}\n`).update(content);
  }
  return hash.digest('hex').slice(0, 16);
}

/** @param {readonly import('./pieces.mjs').Archive[]} archives */
async function tell(archives) {
  const folder = join(gpu, 'pieces');
  const { numPieces, lastPieces } = await writePieces(archives, {
    folder,
    limitBytes: Number(values['piece-mib']) * 2 ** 20,
  });
  for (const { name, file, isNeeded } of archives) {
    const size = ((await stat(file)).size / 2 ** 20).toFixed(1).padStart(6);
    const otherwise = isNeeded ? '' : "; without it, the machine's own stands in";
    console.log(
      `${name.padEnd(11)} ${size} MiB, complete with piece ${lastPieces[name]}${otherwise}`,
    );
  }
  console.log(`${numPieces} pieces in ${relative(process.cwd(), folder)}`);
}
