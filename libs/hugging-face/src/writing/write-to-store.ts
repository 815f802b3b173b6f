import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError, type ObjectStore } from '@berth/contracts';
import type { WrittenFolder } from './write-folder.ts';

/**
 * The bucket and prefix that `s3://BUCKET/PREFIX` names; undefined for a folder.
 * @throws BerthError `USAGE` when it begins like a place in a bucket and is none
 */
export function bucketPlace(
  to: string,
): { readonly bucket: string; readonly prefix: string } | undefined {
  if (!to.startsWith('s3:')) return undefined;
  const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.+?)\/?$/.exec(to) ?? [];
  if (bucket !== undefined && prefix !== undefined) return { bucket, prefix };
  throw new BerthError('USAGE', `${to} is no place: write it as s3://BUCKET/PREFIX`);
}

/** A bucket as far as a folder is uploaded there. */
export interface FolderStore extends Pick<ObjectStore, 'list' | 'describe'> {
  putFile(key: string, path: string): Promise<void>;
}

export interface WriteToStoreOptions {
  /** Where it goes in the store. @defaultValue its root */
  readonly prefix?: string;
  /** Writes over objects of the same names. @defaultValue false */
  readonly force?: boolean;
}

/** @throws BerthError `CHECKPOINT_EXISTS` when there is something below a prefix */
export async function requireEmpty(store: FolderStore, prefix = ''): Promise<void> {
  const [first] = await store.list(prefix);
  if (first === undefined) return;
  throw new BerthError(
    'CHECKPOINT_EXISTS',
    `${store.describe()}${prefix} is not empty (it holds ${first.key.slice(prefix.length)}): name another place, or write over ` +
      'objects of the same names with berth export --force',
  );
}

/**
 * Writes a folder down here, then uploads it, config.json, without which nothing opens it, at last. So what the store refuses is
 * never taken for damage of what is written.
 * @param write - writes a folder; what it returns names the files
 * @throws BerthError `CHECKPOINT_EXISTS` when the place holds something, what `write` and the store throw
 */
export async function writeToStore<T extends { readonly written: WrittenFolder }>(
  store: FolderStore,
  { prefix = '', force = false }: WriteToStoreOptions,
  write: (folder: string) => Promise<T>,
): Promise<T> {
  if (!force) await requireEmpty(store, prefix);
  const temporary = await mkdtemp(join(tmpdir(), 'berth-export-'));
  try {
    const result = await write(join(temporary, 'model'));
    const { folder, files } = result.written;
    for (const name of files) await store.putFile(`${prefix}${name}`, join(folder, name));
    return result;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
