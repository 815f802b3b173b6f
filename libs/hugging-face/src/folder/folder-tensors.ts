import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeSafetensorsHeader, safetensorsDataStart, type TensorPlace } from '@berth/checkpoint';
import { BerthError, toBerthError } from '@berth/contracts';
import { readJsonFile, type JsonFile } from '@berth/data';

/** A tensor of a folder, not read yet. */
export interface FolderTensor extends TensorPlace {
  readonly path: string;
  /** Where the data of its file begins. */
  readonly dataStart: number;
}

/** More than any model of this family; it bounds a header. */
const maxTensors = 2 ** 14;
const single = 'model.safetensors';

/**
 * The tensors of a folder by name, from model.safetensors or from the files that model.safetensors.index.json names; only
 * headers are read.
 * @throws BerthError `CHECKPOINT_NOT_FOUND` when there are none, saying how to convert those of another format;
 * `CHECKPOINT_CORRUPT` when a file is damaged
 */
export async function listFolderTensors(
  folder: string,
): Promise<ReadonlyMap<string, FolderTensor>> {
  const index = await readJsonFile(folder, `${single}.index.json`);
  const hasSingle = (await stat(join(folder, single)).catch(() => undefined)) !== undefined;
  if (hasSingle) return tensorsOf(join(folder, single));
  if (index === undefined) throw await noWeights(folder);
  return shardedTensors(folder, index);
}

/** The bytes of a tensor. @throws BerthError `CHECKPOINT_CORRUPT` when the file has changed meanwhile or cannot be read */
export async function readFolderTensor(tensor: FolderTensor): Promise<Uint8Array> {
  const { path, dataStart, begin, end } = tensor;
  return readRange(path, dataStart + begin, end - begin);
}

async function shardedTensors(
  folder: string,
  index: JsonFile,
): Promise<ReadonlyMap<string, FolderTensor>> {
  const wanted = new Map(index.object('weight_map').entries());
  const files = new Set(wanted.values());
  const tensors = new Map<string, FolderTensor>();
  for (const file of files) {
    if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file))
      throw index.invalid(`${JSON.stringify(file)} is no safetensors file of this folder`);
    for (const [name, tensor] of await tensorsOf(join(folder, file)))
      if (wanted.get(name) === file) tensors.set(name, tensor);
  }
  const lost = [...wanted.keys()].find((name) => !tensors.has(name));
  if (lost === undefined) return tensors;
  throw damaged(index.path, `it names ${lost}, which is not in its file`);
}

async function tensorsOf(path: string): Promise<Map<string, FolderTensor>> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw damaged(path, 'it is not there');
  try {
    const head = await readRange(path, 0, Math.min(8, found.size));
    const dataStart = safetensorsDataStart(head, found.size, maxTensors);
    const start = await readRange(path, 0, dataStart);
    const { places } = decodeSafetensorsHeader(start, found.size, maxTensors);
    return new Map(places.map((place) => [place.name, { ...place, path, dataStart }]));
  } catch (error) {
    throw damaged(path, toBerthError(error).message, error);
  }
}

async function readRange(path: string, start: number, length: number): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw damaged(path, `it cannot be read (${toBerthError(cause).message})`, cause);
  });
  try {
    const bytes = new Uint8Array(length);
    let numRead = 0;
    while (numRead < length) {
      const { bytesRead } = await file.read(bytes, numRead, length - numRead, start + numRead);
      if (bytesRead === 0) throw damaged(path, `it ends before byte ${start + length}`);
      numRead += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function noWeights(folder: string): Promise<BerthError> {
  const names = await readdir(folder).catch(() => []);
  const bin = names.find((name) => /^pytorch_model.*\.bin$/.test(name));
  const other = names.find((name) => /\.(h5|msgpack|ckpt\.index|pt|pth)$/.test(name));
  const how =
    bin === undefined
      ? other === undefined
        ? 'a Hugging Face folder has its weights in that file'
        : `${other} is of a framework that berth cannot read: open it with transformers and save it with save_pretrained`
      : `${bin} is a pickle, which may run code when it is read. Convert it with: python3 -c "${conversion(folder, bin)}"`;
  return new BerthError('CHECKPOINT_NOT_FOUND', `${folder} has no ${single}: ${how}`);
}

/** Copies tensors as they are: saving a loaded model would also save heads that loading has made up. */
function conversion(folder: string, bin: string): string {
  const path = (name: string): string => join(folder, name).replaceAll("'", String.raw`\'`);
  return (
    'import torch; from safetensors.torch import save_file; ' +
    `t = torch.load('${path(bin)}', map_location='cpu', weights_only=True); ` +
    `save_file({k: v.clone().contiguous() for k, v in t.items()}, '${path(single)}', {'format': 'pt'})`
  );
}

function damaged(path: string, why: string, cause?: unknown): BerthError {
  return new BerthError('CHECKPOINT_CORRUPT', `${path} cannot be used: ${why}`, { cause });
}
