import { realpath, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BerthError, type CorpusPiece, type ObjectStore } from '@berth/contracts';
import { toCorpusError } from '../corpus/corpus-files.ts';
import { createRootCheck, requireWithin } from '../corpus/corpus-roots.ts';
import { isInBucket, requireBuckets } from '../corpus/sources/buckets.ts';
import { isOfHub, pathInHub } from '../corpus/sources/hub-cache.ts';
import { openPiece } from '../corpus/sources/open-piece.ts';
import { datasetPrefix } from '../preparation/keys.ts';
import type { StageOptions } from '../preparation/stage-options.ts';

/** A file of a dataset that was made elsewhere. */
export interface DatasetFile {
  readonly sizeBytes: number;
  /** All of it, as it was when it was found. @throws BerthError `DATA_CORPUS_*` when it cannot be read, or has changed */
  read(): Promise<Uint8Array>;
}

/** Where a dataset lies that was made elsewhere. */
export interface DatasetPlace {
  /** What messages put before the name of a file. */
  readonly where: string;
  /** Looks for a file right in the folder. @returns undefined where there is none */
  find(name: string): Promise<DatasetFile | undefined>;
}

const setting = 'corpus.dataset';

/** Whether `corpus.dataset` is the id of one in berth's bucket. */
export function isDatasetId(dataset: string): boolean {
  return /^[0-9a-f]{64}$/.test(dataset);
}

/**
 * Opens a folder, a place in a bucket or a dataset of the Hugging Face hub's cache.
 * @throws BerthError `DATA_CORPUS_NOT_FOUND` when it does not exist, `DATA_CORPUS_INVALID` when runs may not read there
 */
export async function openDatasetPlace(
  named: string,
  { roots = [], s3, hubCache, signal }: StageOptions,
): Promise<DatasetPlace> {
  const path = isOfHub(named) ? await pathInHub(named, hubCache, setting) : named;
  const folder = isInBucket(path) ? path.replace(/\/+$/, '') : resolve(path);
  await requireWithin(roots, folder, setting);
  if (isInBucket(folder)) {
    const objects = requireBuckets(folder, s3);
    return {
      where: `${folder}/`,
      async find(name) {
        const place = `${folder}/${name}`;
        // The object of that name comes first of all that begin with it.
        for await (const object of objects.list(place, { signal }))
          return object.place === place ? fileOf({ ...object, name }, { s3, signal }) : undefined;
        return undefined;
      },
    };
  }
  const isWithin = await createRootCheck(roots);
  const info = await stat(folder).catch((error: unknown) => {
    throw toCorpusError(folder, error, setting);
  });
  if (!info.isDirectory())
    throw new BerthError('DATA_CORPUS_INVALID', `${setting}: ${folder} is no folder`);
  return {
    where: `${folder}/`,
    async find(name) {
      const path = join(folder, name);
      const real = await realpath(path).catch(() => undefined);
      if (real === undefined) return undefined;
      if (!isWithin(real))
        throw new BerthError(
          'DATA_CORPUS_INVALID',
          `${path} is a link out of the folders that runs may read (BERTH_CORPUS_ROOTS)`,
        );
      const { size, mtimeMs, isFile } = await statOf(real);
      return isFile
        ? fileOf({ name, place: real, sizeBytes: size, version: String(mtimeMs) }, { signal })
        : undefined;
    },
  };
}

/** A dataset that lies in berth's bucket. */
export function storedDatasetPlace(store: ObjectStore, datasetId: string): DatasetPlace {
  return {
    where: `${store.describe()}/${datasetPrefix(datasetId)}`,
    async find(name) {
      const key = `${datasetPrefix(datasetId)}${name}`;
      const info = await store.head(key);
      if (info === undefined) return undefined;
      const { sizeBytes } = info;
      return { sizeBytes, read: () => store.get(key, { maxBytes: sizeBytes }) };
    },
  };
}

async function statOf(
  path: string,
): Promise<{ readonly size: number; readonly mtimeMs: number; readonly isFile: boolean }> {
  const found = await stat(path).catch((error: unknown) => {
    throw toCorpusError(path, error, setting);
  });
  return { size: found.size, mtimeMs: found.mtimeMs, isFile: found.isFile() };
}

function fileOf(
  found: Pick<CorpusPiece, 'name' | 'place' | 'sizeBytes' | 'version'>,
  options: Pick<StageOptions, 's3' | 'signal'>,
): DatasetFile {
  const { sizeBytes } = found;
  const piece: CorpusPiece = { ...found, format: 'txt', compression: 'none' };
  return {
    sizeBytes,
    async read() {
      const opened = await openPiece(piece, options);
      try {
        const bytes = new Uint8Array(sizeBytes);
        for (let at = 0; at < sizeBytes; at += opened.blockBytes) {
          options.signal?.throwIfAborted();
          bytes.set(await opened.read(at, Math.min(sizeBytes, at + opened.blockBytes)), at);
        }
        if (await opened.isUnchanged()) return bytes;
      } finally {
        await opened.close();
      }
      throw new BerthError(
        'DATA_CORPUS_INVALID',
        `${piece.place} changed while it was read: start again when nothing writes to it any more`,
      );
    },
  };
}
