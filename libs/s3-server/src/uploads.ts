import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createChecksum,
  type Checksum,
  type ChecksumAlgorithm,
  type ChecksumType,
} from './checksums.ts';
import { makeFolder, replaceFile, syncFolder, unlessMissing } from './durable-files.ts';
import { S3Error } from './errors.ts';
import { commitObject, type ObjectVersion, type WriteCondition } from './objects.ts';
import { incomingPath, requireBucket, uploadsPath, type Storage } from './storage.ts';

const minPartBytes = 5 * 2 ** 20;

/** A multipart upload that has begun. */
export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly type: ChecksumType };
}

/** A part that has arrived whole. */
export interface Part {
  readonly partNumber: number;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
  /** Name of its file in the upload's folder. */
  readonly file: string;
}

/** A part as the client names it when completing. */
export interface PartReference {
  readonly partNumber: number;
  readonly etag: string;
  /** Base64, if the client repeats it. */
  readonly checksum?: string;
}

/** @throws S3Error `NoSuchBucket` */
export async function createUpload(
  storage: Storage,
  facts: Omit<Upload, 'uploadId' | 'initiatedMs'>,
): Promise<Upload> {
  await requireBucket(storage, facts.bucket);
  const upload = { ...facts, uploadId: randomUUID(), initiatedMs: Date.now() };
  const folder = join(uploadsPath(storage), upload.uploadId);
  await makeFolder(folder);
  await replaceFile(join(folder, 'upload.json'), incomingPath(storage), JSON.stringify(upload));
  return upload;
}

/** @throws S3Error `NoSuchUpload`, also when the upload is for another key */
export async function findUpload(
  storage: Storage,
  bucket: string,
  key: string,
  uploadId: string,
): Promise<Upload> {
  const upload = /^[0-9a-f-]{36}$/.test(uploadId) ? await readUpload(storage, uploadId) : undefined;
  if (upload?.bucket === bucket && upload.key === key) return upload;
  throw noSuchUpload(uploadId);
}

/** Unfinished uploads of a bucket, by key, then time. */
export async function listUploads(storage: Storage, bucket: string): Promise<Upload[]> {
  await requireBucket(storage, bucket);
  const ids = await readdir(uploadsPath(storage));
  const uploads = await Promise.all(ids.map((id) => readUpload(storage, id)));
  return uploads
    .filter((upload) => upload?.bucket === bucket)
    .filter((upload) => upload !== undefined)
    .sort(
      (a, b) =>
        Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.initiatedMs - b.initiatedMs,
    );
}

/** Makes a received file a part; a part of the same number is replaced. @throws S3Error `NoSuchUpload` */
export async function putPart(
  storage: Storage,
  upload: Upload,
  path: string,
  facts: Omit<Part, 'modifiedMs' | 'file'>,
): Promise<void> {
  const folder = join(uploadsPath(storage), upload.uploadId);
  const part: Part = { ...facts, modifiedMs: Date.now(), file: `${randomUUID()}.data` };
  const record = join(folder, partRecordName(part.partNumber));
  await storage.lock(upload.uploadId, async () => {
    const previous = await readPart(record);
    const moved = await unlessMissing(rename(path, join(folder, part.file)).then(() => true));
    if (!moved) throw noSuchUpload(upload.uploadId);
    await replaceFile(record, incomingPath(storage), JSON.stringify(part));
    if (previous) await rm(join(folder, previous.file), { force: true });
  });
}

/** Parts in order of their numbers. */
export async function listParts(storage: Storage, upload: Upload): Promise<Part[]> {
  const folder = join(uploadsPath(storage), upload.uploadId);
  const names = ((await unlessMissing(readdir(folder))) ?? []).filter((name) =>
    /^\d{5}\.json$/.test(name),
  );
  const parts = await Promise.all(names.sort().map((name) => readPart(join(folder, name))));
  return parts.filter((part) => part !== undefined);
}

export async function abortUpload(storage: Storage, upload: Upload): Promise<void> {
  await storage.lock(upload.uploadId, async () => {
    await rm(join(uploadsPath(storage), upload.uploadId), { recursive: true, force: true });
    await syncFolder(uploadsPath(storage));
  });
}

/**
 * Puts the named parts together and commits them as one object, then forgets the upload.
 * @param expectedChecksum what the client says the checksum of the whole object is
 * @throws S3Error `BadDigest`, `EntityTooSmall`, `InvalidPart`, `InvalidPartOrder`, `NoSuchUpload`, and what `condition` throws
 */
export async function completeUpload(
  storage: Storage,
  upload: Upload,
  references: readonly PartReference[],
  condition: WriteCondition,
  expectedChecksum: string | undefined,
): Promise<ObjectVersion> {
  const parts = selectParts(await listParts(storage, upload), references);
  const path = incomingPath(storage);
  try {
    const fullChecksum = await joinParts(storage, upload, parts, path);
    const checksum = fullChecksum ?? compositeChecksum(upload, parts);
    if (expectedChecksum !== undefined && expectedChecksum !== checksum?.value) {
      throw new S3Error('BadDigest', 'The checksum you specified is not that of the object.');
    }
    const version = await commitObject(
      storage,
      upload.bucket,
      upload.key,
      path,
      { etag: multipartEtag(parts), headers: upload.headers, ...(checksum && { checksum }) },
      condition,
    );
    await abortUpload(storage, upload);
    return version;
  } finally {
    await rm(path, { force: true });
  }
}

/** The stored parts a client names, checked against each other. */
function selectParts(stored: readonly Part[], references: readonly PartReference[]): Part[] {
  const numbers = references.map(({ partNumber }) => partNumber);
  if (numbers.some((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0))) {
    throw new S3Error('InvalidPartOrder', 'The list of parts was not in ascending order.');
  }
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]));
  return references.map((reference, index) => {
    const part = byNumber.get(reference.partNumber);
    const sameChecksum =
      reference.checksum === undefined || reference.checksum === part?.checksum?.value;
    if (!part || part.etag !== reference.etag || !sameChecksum) {
      throw new S3Error(
        'InvalidPart',
        `Part ${reference.partNumber} was not uploaded, or its ETag or checksum differs from the one named.`,
      );
    }
    if (part.sizeBytes < minPartBytes && index < references.length - 1) {
      throw new S3Error(
        'EntityTooSmall',
        `Part ${part.partNumber} has ${part.sizeBytes} bytes; all but the last need ${minPartBytes}.`,
      );
    }
    return part;
  });
}

async function joinParts(
  storage: Storage,
  upload: Upload,
  parts: readonly Part[],
  path: string,
): Promise<Checksum | undefined> {
  const { algorithm, type } = upload.checksum ?? {};
  const checksum = algorithm && type === 'FULL_OBJECT' ? createChecksum(algorithm) : undefined;
  const folder = join(uploadsPath(storage), upload.uploadId);
  const handle = await open(path, 'wx');
  try {
    for (const part of parts) {
      const source = createReadStream(join(folder, part.file), { highWaterMark: 2 ** 20 });
      for await (const bytes of source as AsyncIterable<Buffer>) {
        checksum?.update(bytes);
        await handle.writeFile(bytes);
      }
    }
    await handle.sync();
  } catch (error) {
    if ((await readUpload(storage, upload.uploadId)) === undefined) {
      throw noSuchUpload(upload.uploadId);
    }
    throw error;
  } finally {
    await handle.close();
  }
  return algorithm && checksum
    ? { algorithm, type: 'FULL_OBJECT', value: checksum.digest().toString('base64') }
    : undefined;
}

/** MD5 over the parts' MD5s, and their number. */
function multipartEtag(parts: readonly Part[]): string {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part.etag, 'hex');
  return `${hash.digest('hex')}-${parts.length}`;
}

function compositeChecksum(upload: Upload, parts: readonly Part[]): Checksum | undefined {
  if (!upload.checksum) return undefined;
  const { algorithm } = upload.checksum;
  const running = createChecksum(algorithm);
  for (const part of parts) running.update(Buffer.from(part.checksum?.value ?? '', 'base64'));
  const value = `${running.digest().toString('base64')}-${parts.length}`;
  return { algorithm, type: 'COMPOSITE', value };
}

function partRecordName(partNumber: number): string {
  return `${String(partNumber).padStart(5, '0')}.json`;
}

async function readUpload(storage: Storage, uploadId: string): Promise<Upload | undefined> {
  const path = join(uploadsPath(storage), uploadId, 'upload.json');
  const text = await unlessMissing(readFile(path, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as Upload);
}

async function readPart(path: string): Promise<Part | undefined> {
  const text = await unlessMissing(readFile(path, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as Part);
}

function noSuchUpload(uploadId: string): S3Error {
  return new S3Error('NoSuchUpload', `The upload ${uploadId} does not exist: finished or aborted.`);
}
