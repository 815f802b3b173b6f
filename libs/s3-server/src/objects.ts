import { open, readdir, readFile, rm, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Checksum } from './checksums.ts';
import {
  hasErrno,
  makeFolder,
  moveFile,
  removeEmptyParents,
  replaceFile,
  syncFolder,
  unlessMissing,
} from './durable-files.ts';
import { S3Error } from './errors.ts';
import { decodeKeyPath, encodeKeyPath } from './key-paths.ts';
import {
  bucketPath,
  incomingPath,
  metadataPath,
  objectPath,
  requireBucket,
  type Storage,
} from './storage.ts';

/** What a client is told about an object besides its bytes. */
export interface ObjectFacts {
  /** Without quotes. */
  readonly etag: string;
  readonly checksum?: Checksum;
  /** Headers given at upload and returned with every read: content type, user metadata. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One version of an object. Its modification time is the file's, and tells it from other versions of the same key. */
export interface ObjectVersion extends ObjectFacts {
  readonly modifiedMs: number;
  readonly sizeBytes: number;
}

/** Decides whether a write may replace what is there; throws if not. */
export type WriteCondition = (current: ObjectVersion | undefined) => void;

/** What is stored under a key, if anything. */
export async function findObject(
  storage: Storage,
  bucket: string,
  key: string,
): Promise<ObjectVersion | undefined> {
  return storage.lock(bucket, () => readCurrent(storage, bucket, key));
}

/**
 * Opens an object for reading; the caller closes the handle. The handle keeps its bytes when the object is replaced.
 * @throws S3Error `NoSuchBucket`, `NoSuchKey`
 */
export async function openObject(
  storage: Storage,
  bucket: string,
  key: string,
): Promise<{ handle: FileHandle; version: ObjectVersion }> {
  return storage.lock(bucket, async () => {
    await requireBucket(storage, bucket);
    const opened = await openCurrent(storage, bucket, key);
    if (opened) return opened;
    throw new S3Error('NoSuchKey', `The key ${key} does not exist in bucket ${bucket}.`);
  });
}

/**
 * Makes a received file the object under a key, if `condition` allows: old object or new, never a mixture, also after a crash.
 * The rename of the data file is the commit point. Its metadata is written before, beside that of the version it replaces,
 * and a reader takes the record that matches the data file's modification time.
 * @param path a complete, synced file in the incoming folder; moved away on success
 * @throws S3Error `NoSuchBucket`, `KeyConflict`, and what `condition` throws
 */
export async function commitObject(
  storage: Storage,
  bucket: string,
  key: string,
  path: string,
  facts: ObjectFacts,
  condition: WriteCondition,
): Promise<ObjectVersion> {
  return storage.lock(bucket, async () => {
    await requireBucket(storage, bucket);
    const current = await readCurrent(storage, bucket, key);
    condition(current);
    const modifiedMs = Math.max(Date.now(), (current?.modifiedMs ?? 0) + 1);
    const version = { ...facts, modifiedMs, sizeBytes: await stamp(path, modifiedMs) };
    const target = objectPath(storage, bucket, key);
    try {
      await makeFolder(dirname(target));
      const versions = current ? [version, current] : [version];
      await replaceFile(
        metadataPath(storage, bucket, key),
        incomingPath(storage),
        JSON.stringify({ key, versions }),
      );
      await moveFile(path, target);
    } catch (error) {
      if (!hasErrno(error, 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY')) throw error;
      throw new S3Error(
        'KeyConflict',
        `The key ${key} cannot be stored: a key here may not also be a folder of other keys.`,
      );
    }
    return version;
  });
}

/**
 * Deletes an object, if `condition` allows; a missing one is no error.
 * @throws S3Error `NoSuchBucket`, and what `condition` throws
 */
export async function deleteObject(
  storage: Storage,
  bucket: string,
  key: string,
  condition: WriteCondition,
): Promise<void> {
  await storage.lock(bucket, async () => {
    await requireBucket(storage, bucket);
    const current = await readCurrent(storage, bucket, key);
    condition(current);
    if (!current) return;
    const path = objectPath(storage, bucket, key);
    await unlink(path);
    await syncFolder(dirname(path));
    await rm(metadataPath(storage, bucket, key), { force: true });
    await removeEmptyParents(path, bucketPath(storage, bucket));
  });
}

/** All keys with a prefix, sorted by their UTF-8 bytes. @throws S3Error `NoSuchBucket` */
export async function listKeys(
  storage: Storage,
  bucket: string,
  prefix: string,
): Promise<string[]> {
  await requireBucket(storage, bucket);
  const root = bucketPath(storage, bucket);
  const slash = prefix.lastIndexOf('/');
  const start = slash < 0 ? root : join(root, encodeKeyPath(prefix.slice(0, slash)));
  const keys: string[] = [];
  for (const path of await filesBelow(start)) {
    const key = decodeKeyPath(relative(root, path));
    if (key?.startsWith(prefix)) keys.push(key);
  }
  return keys
    .map((key) => ({ key, bytes: Buffer.from(key) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ key }) => key);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  const nested = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
  return (await Promise.all(nested)).flat();
}

async function readCurrent(
  storage: Storage,
  bucket: string,
  key: string,
): Promise<ObjectVersion | undefined> {
  const opened = await openCurrent(storage, bucket, key);
  await opened?.handle.close();
  return opened?.version;
}

async function openCurrent(
  storage: Storage,
  bucket: string,
  key: string,
): Promise<{ handle: FileHandle; version: ObjectVersion } | undefined> {
  const handle = await unlessMissing(open(objectPath(storage, bucket, key), 'r'));
  if (!handle) return undefined;
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      await handle.close();
      return undefined;
    }
    const modifiedMs = Math.round(stats.mtimeMs);
    const metadata = await unlessMissing(readFile(metadataPath(storage, bucket, key), 'utf8'));
    const versions = metadata
      ? (JSON.parse(metadata) as { versions: ObjectVersion[] }).versions
      : [];
    const known = versions.find(
      (version) => version.modifiedMs === modifiedMs && version.sizeBytes === stats.size,
    );
    return { handle, version: known ?? foreignVersion(modifiedMs, stats.size) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A file that came into the folder by other means is an object too, without checksum. */
function foreignVersion(modifiedMs: number, sizeBytes: number): ObjectVersion {
  const etag = `${modifiedMs.toString(16)}-${sizeBytes.toString(16)}`;
  return { etag, headers: {}, modifiedMs, sizeBytes };
}

/** Sets a file's modification time, durably, and returns its size. */
async function stamp(path: string, modifiedMs: number): Promise<number> {
  const handle = await open(path, 'r+');
  try {
    await handle.utimes(modifiedMs / 1000, modifiedMs / 1000);
    await handle.sync();
    return (await handle.stat()).size;
  } finally {
    await handle.close();
  }
}
