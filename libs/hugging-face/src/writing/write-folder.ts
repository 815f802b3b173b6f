import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BerthError, toBerthError, type FolderLayout } from '@berth/contracts';
import { configJson } from '../config-json.ts';
import type { ModelSource } from '../model-source.ts';
import { fineTunedArchitecture, headJson } from '../tasks/fine-tuning-heads.ts';
import { architectureOf } from '../tasks/pretraining-heads.ts';
import { jsonBytes, tokenizerFiles } from '../tokenizer/tokenizer-files.ts';
import { sentenceTransformersFiles } from './sentence-transformers.ts';
import { writeWeights, type WrittenFile } from './write-weights.ts';

/** What the model card says once the weights are written. */
export type CardWriter = (facts: {
  readonly weights: WrittenFile;
  readonly architecture: string;
}) => string;

export interface WriteFolderOptions {
  /** README.md; none when left out. */
  readonly card?: CardWriter;
  /** @defaultValue 'transformers' */
  readonly layout?: FolderLayout;
  /** Writes into a folder that holds something, over files of the same names. @defaultValue false */
  readonly force?: boolean;
  /** Permissions that what is written does not have, as in umask(2). @defaultValue those of the process */
  readonly umask?: number | undefined;
}

/** A folder that has been written. */
export interface WrittenFolder {
  readonly folder: string;
  readonly files: readonly string[];
  readonly sizeBytes: number;
  /** SHA-256 of model.safetensors. */
  readonly sha256: string;
  /** The class of transformers that has the heads of the model. */
  readonly architecture: string;
}

const weightsName = 'model.safetensors';
const configName = 'config.json';

/**
 * Writes a model as a folder that transformers opens. It gets its name once it is whole; in a folder that is there already,
 * config.json, without which nothing opens it, comes last.
 * @throws BerthError `CHECKPOINT_EXISTS` when the folder holds something, `USAGE` when it cannot be made, and what reading the source
 * throws
 */
export async function writeHuggingFaceFolder(
  source: ModelSource,
  folder: string,
  options: WriteFolderOptions = {},
): Promise<WrittenFolder> {
  const target = resolve(folder);
  await requireFree(target, options);
  const partial = join(
    dirname(target),
    `.${basename(target)}.partial-${randomBytes(4).toString('hex')}`,
  );
  try {
    await makeFolders(partial, options);
  } catch (cause) {
    throw new BerthError(
      'USAGE',
      `${folder} cannot be written (${toBerthError(cause).message}); name another place`,
      { cause },
    );
  }
  try {
    const written = await writeFiles(source, partial, options);
    await requireFree(target, options);
    await moveInto(partial, target, written.files, options);
    return { folder: target, ...written };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Writes the files of a model into an empty folder, config.json last. @throws as `writeHuggingFaceFolder` */
async function writeFiles(
  source: ModelSource,
  folder: string,
  options: WriteFolderOptions,
): Promise<Omit<WrittenFolder, 'folder'>> {
  const { card, layout = 'transformers' } = options;
  const { model, vocabulary, doLowerCase, missing, fineTuning } = source;
  const { maxPositions } = model;
  const architecture =
    fineTuning === undefined ? architectureOf(missing) : fineTunedArchitecture(fineTuning);
  const config = configJson(model, vocabulary.padId, architecture);
  const weights = await writeWeights(source, join(folder, weightsName));
  const texts: Record<string, Uint8Array> = {
    ...tokenizerFiles({ vocabulary, doLowerCase, maxPositions }),
    ...(layout === 'sentence-transformers' && sentenceTransformersFiles(model)),
    ...(card && { 'README.md': new TextEncoder().encode(card({ weights, architecture })) }),
    [configName]: jsonBytes({ ...config, ...(fineTuning && headJson(fineTuning)) }),
  };
  let { sizeBytes } = weights;
  for (const [name, bytes] of Object.entries(texts)) {
    await makeFolders(dirname(join(folder, name)), options);
    await writeFile(join(folder, name), bytes, { flag: 'wx', flush: true });
    sizeBytes += bytes.byteLength;
  }
  const files = [weightsName, ...Object.keys(texts)];
  const { umask } = options;
  if (umask !== undefined)
    for (const name of files) await chmod(join(folder, name), 0o666 & ~umask);
  return {
    files,
    sizeBytes,
    sha256: weights.sha256,
    architecture,
  };
}

/** @throws BerthError `CHECKPOINT_EXISTS` when a folder holds something, or is none */
export async function requireFree(
  folder: string,
  { force }: Pick<WriteFolderOptions, 'force'> = {},
): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory())
    throw new BerthError('CHECKPOINT_EXISTS', `${folder} is a file; name a folder to write`);
  const [first] = await readdir(folder);
  if (first === undefined || force === true) return;
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `${folder} is not empty (it holds ${first}): name another folder, or write over files of the same names with berth export --force`,
  );
}

async function moveInto(
  partial: string,
  target: string,
  files: readonly string[],
  options: WriteFolderOptions,
): Promise<void> {
  const isEmpty = await rmdir(target).then(
    () => true,
    (error: unknown) => isMissing(error),
  );
  if (isEmpty) return rename(partial, target);
  await rm(join(target, configName), { force: true });
  for (const name of files) {
    await makeFolders(dirname(join(target, name)), options);
    await rename(join(partial, name), join(target, name));
  }
}

/**
 * A folder and those above it that are not there; level by level, as Node's own recursion does not end where the system denies
 * that a parent exists, as below /proc.
 */
async function makeFolders(folder: string, { umask }: WriteFolderOptions): Promise<void> {
  if ((await stat(folder).catch(() => undefined))?.isDirectory()) return;
  if (dirname(folder) !== folder) await makeFolders(dirname(folder), { umask });
  try {
    await mkdir(folder);
  } catch (error) {
    // Another process may have been faster.
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error;
    return;
  }
  if (umask !== undefined) await chmod(folder, 0o777 & ~umask);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
