import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno, makeFolder, syncFolder, unlessMissing } from './durable-files.ts';
import { S3Error } from './errors.ts';
import { encodeKeyPath } from './key-paths.ts';
import { createKeyedLock, type KeyedLock } from './keyed-lock.ts';

/**
 * Where everything lies:
 * `<folder>/<bucket>/<key>` the objects, as plain files;
 * `<folder>/.berth/metadata/<bucket>/<sha256 of key>.json` what is known of them;
 * `<folder>/.berth/uploads/<upload id>/` parts of unfinished multipart uploads;
 * `<folder>/.berth/incoming/` bodies being received, emptied at start.
 */
export interface Storage {
  readonly folder: string;
  /** Serialises looking at and changing the objects of a bucket. Bodies are received outside it. */
  readonly lock: KeyedLock;
}

/** Opens a storage folder, creating it if needed. One server at a time may use a folder. */
export async function openStorage(folder: string): Promise<Storage> {
  const incoming = join(folder, '.berth', 'incoming');
  await rm(incoming, { recursive: true, force: true });
  await makeFolder(incoming);
  await makeFolder(join(folder, '.berth', 'uploads'));
  return { folder, lock: createKeyedLock() };
}

export function incomingPath(storage: Storage): string {
  return join(storage.folder, '.berth', 'incoming', randomUUID());
}

export function bucketPath(storage: Storage, bucket: string): string {
  return join(storage.folder, bucket);
}

export function objectPath(storage: Storage, bucket: string, key: string): string {
  return join(storage.folder, bucket, encodeKeyPath(key));
}

export function metadataPath(storage: Storage, bucket: string, key: string): string {
  const name = createHash('sha256').update(key).digest('hex');
  return join(metadataFolder(storage, bucket), `${name}.json`);
}

export function uploadsPath(storage: Storage): string {
  return join(storage.folder, '.berth', 'uploads');
}

function metadataFolder(storage: Storage, bucket: string): string {
  return join(storage.folder, '.berth', 'metadata', bucket);
}

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
}

export async function listBuckets(storage: Storage): Promise<Bucket[]> {
  const entries = await readdir(storage.folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory() && isBucketName(entry.name));
  return Promise.all(
    names.map(async ({ name }) => ({
      name,
      createdMs: (await stat(bucketPath(storage, name))).birthtimeMs,
    })),
  );
}

/** @throws S3Error `NoSuchBucket` */
export async function requireBucket(storage: Storage, bucket: string): Promise<void> {
  if (isBucketName(bucket) && (await unlessMissing(stat(bucketPath(storage, bucket))))) return;
  throw new S3Error('NoSuchBucket', `The bucket ${bucket} does not exist.`);
}

/** @throws S3Error `InvalidBucketName`, `BucketAlreadyOwnedByYou` */
export async function createBucket(storage: Storage, bucket: string): Promise<void> {
  if (!isBucketName(bucket)) {
    throw new S3Error(
      'InvalidBucketName',
      'A bucket name has 3 to 63 lower-case letters, digits, hyphens and dots, and begins and ends with a letter or digit.',
    );
  }
  await storage.lock(bucket, async () => {
    if (await unlessMissing(stat(bucketPath(storage, bucket)))) {
      throw new S3Error('BucketAlreadyOwnedByYou', `The bucket ${bucket} exists already.`);
    }
    await makeFolder(metadataFolder(storage, bucket));
    await makeFolder(bucketPath(storage, bucket));
  });
}

/** @throws S3Error `NoSuchBucket`, `BucketNotEmpty` */
export async function deleteBucket(storage: Storage, bucket: string): Promise<void> {
  await storage.lock(bucket, async () => {
    await requireBucket(storage, bucket);
    try {
      await rmdir(bucketPath(storage, bucket));
    } catch (error) {
      if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
      throw new S3Error('BucketNotEmpty', `The bucket ${bucket} still holds objects.`);
    }
    await syncFolder(storage.folder);
    await rm(metadataFolder(storage, bucket), { recursive: true, force: true });
  });
}

function isBucketName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes('..');
}
