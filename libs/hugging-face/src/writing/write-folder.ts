import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { BerthError } from '@berth/contracts';
import { configJson } from '../config-json.ts';
import type { ModelSource } from '../model-source.ts';
import { architectureOf } from '../tasks/pretraining-heads.ts';
import { jsonBytes, tokenizerFiles } from '../tokenizer/tokenizer-files.ts';
import { sentenceTransformersFiles } from './sentence-transformers.ts';
import { writeWeights, type WrittenFile } from './write-weights.ts';

/** What a folder can be made for besides transformers. */
export const layouts = ['transformers', 'sentence-transformers'] as const;
export type FolderLayout = (typeof layouts)[number];

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
 * @throws BerthError `CHECKPOINT_EXISTS` when the folder holds something, and what reading the source throws
 */
export async function writeHuggingFaceFolder(
  source: ModelSource,
  folder: string,
  options: WriteFolderOptions = {},
): Promise<WrittenFolder> {
  const target = resolve(folder);
  await requireFree(target, options);
  await mkdir(dirname(target), { recursive: true });
  const partial = join(
    dirname(target),
    `.${basename(target)}.partial-${randomBytes(4).toString('hex')}`,
  );
  await mkdir(partial);
  try {
    const written = await writeFiles(source, partial, options);
    await requireFree(target, options);
    await moveInto(partial, target, written.files);
    return { folder: target, ...written };
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Writes the files of a model into an empty folder, config.json last. @throws as `writeHuggingFaceFolder` */
async function writeFiles(
  source: ModelSource,
  folder: string,
  { card, layout = 'transformers' }: WriteFolderOptions,
): Promise<Omit<WrittenFolder, 'folder'>> {
  const { model, vocabulary, doLowerCase, missing } = source;
  const { maxPositions } = model;
  const architecture = architectureOf(missing);
  const weights = await writeWeights(source, join(folder, weightsName));
  const texts: Record<string, Uint8Array> = {
    ...tokenizerFiles({ vocabulary, doLowerCase, maxPositions }),
    ...(layout === 'sentence-transformers' && sentenceTransformersFiles(model)),
    ...(card && { 'README.md': new TextEncoder().encode(card({ weights, architecture })) }),
    [configName]: jsonBytes(configJson(model, vocabulary.padId, architecture)),
  };
  let { sizeBytes } = weights;
  for (const [name, bytes] of Object.entries(texts)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes, { flag: 'wx', flush: true });
    sizeBytes += bytes.byteLength;
  }
  return {
    files: [weightsName, ...Object.keys(texts)],
    sizeBytes,
    sha256: weights.sha256,
    architecture,
  };
}

async function requireFree(folder: string, { force }: WriteFolderOptions): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isDirectory())
    throw new BerthError('CHECKPOINT_EXISTS', `${folder} is a file; name a folder to write`);
  const [first] = await readdir(folder);
  if (first === undefined || force === true) return;
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `${folder} is not empty (it holds ${first}): name another folder, or write over files of the same names with --force`,
  );
}

async function moveInto(partial: string, target: string, files: readonly string[]): Promise<void> {
  const isEmpty = await rmdir(target).then(
    () => true,
    (error: unknown) => isMissing(error),
  );
  if (isEmpty) return rename(partial, target);
  await rm(join(target, configName), { force: true });
  for (const name of files) {
    await mkdir(dirname(join(target, name)), { recursive: true });
    await rename(join(partial, name), join(target, name));
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
