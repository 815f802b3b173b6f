import { Readable } from 'node:stream';
import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import {
  BerthError,
  isBerthError,
  type Logger,
  type ObjectBody,
  type ObjectInfo,
  type ObjectStore,
  type PutOptions,
} from '@berth/contracts';
import { sha256InTurns } from '../digest.ts';
import { equalsBody, partOf, sizeOf } from '../object-body.ts';
import { deleting } from './delete-objects.ts';
import { createBucket, createClient, watchClock } from './s3-client.ts';
import type { S3ObjectStoreOptions } from './s3-options.ts';
import { withFile } from './file-parts.ts';
import { putInParts } from './multipart-put.ts';
import { createS3Call } from './s3-call.ts';
import { sentBody } from './sent-body.ts';
import { uploadCleaning } from './unfinished-uploads.ts';
import { classifyFailure } from './store-failure.ts';

export interface S3ObjectStore extends ObjectStore {
  /**
   * Writes an object from a file, whole or not at all, over what is there; a few parts of a large one are in memory at a time.
   * @throws BerthError as `put`, and what the file system throws
   */
  putFile(key: string, path: string): Promise<void>;
  /** Creates the bucket if it is missing. */
  ensureBucket(): Promise<void>;
  /** How far the clock of the service was ahead of ours at its last answer, to the second; undefined before one. */
  clockAheadMs(): number | undefined;
  /** Closes idle connections. */
  close(): void;
}

/** So many bytes more of an answer are a sign of life. */
const progressBytes = 2 ** 20;
const maxCreationRounds = 3;

/**
 * The object store of a bucket in any S3-compatible service with conditional writes. Uploads carry a SHA-256 that the
 * service verifies, downloads are verified against the checksum it kept. Failures that may pass are repeated until `deadlineMs`.
 */
export function createS3ObjectStore(options: S3ObjectStoreOptions, logger: Logger): S3ObjectStore {
  const { bucket } = options;
  const { multipartThresholdBytes = 100 * 2 ** 20, partSizeBytes = 16 * 2 ** 20 } = options;
  const prefix = (options.prefix ?? '').replace(/^\/+|\/+$/g, '');
  const root = prefix === '' ? '' : `${prefix}/`;
  const service = options.endpoint === undefined ? 's3:/' : new URL(options.endpoint).origin;
  const where = `${service}/${bucket}/${root}`;
  const client = createClient(options);
  const clock = watchClock(client);
  let knowsConditions = true;
  const call = createS3Call(client, where, options, logger);

  /** The bytes, or how many they are when these are too many. */
  const getAtMost = (
    maxBytes: number,
    key: string,
    signal: AbortSignal | undefined,
    Range?: string,
  ): Promise<Uint8Array | number> =>
    call(
      `GET ${key}`,
      async (s3, abortSignal, progressed) => {
        const command = new GetObjectCommand({
          Bucket: bucket,
          Key: root + key,
          ...(Range !== undefined && { Range }),
        });
        const { Body, ContentLength = 0 } = await s3.send(command, { abortSignal });
        if (!(Body instanceof Readable)) return new Uint8Array();
        if (ContentLength <= maxBytes)
          return readAtMost(maxBytes, Body, { announced: ContentLength, progressed });
        // Nobody reads on, so that the connection's end is no news.
        Body.on('error', () => undefined).destroy();
        return ContentLength;
      },
      signal,
    );

  const getRange = async (
    key: string,
    [start, end]: readonly [number, number],
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> => {
    if (end <= start) return new Uint8Array();
    const asked = `bytes=${start}-${end - 1}`;
    const bytes = await getAtMost(end - start, key, signal, asked).catch((error: unknown) => {
      // No byte of it is there.
      if (isBerthError(error) && error.details['reason'] === 'InvalidRange') return undefined;
      throw error;
    });
    if (bytes instanceof Uint8Array && bytes.length === end - start) return bytes;
    throw new BerthError('STORE_CORRUPT', `${key} at ${where} has no bytes ${start} to ${end}`, {
      details: { key, where },
    });
  };

  const get: ObjectStore['get'] = async (key, { maxBytes = 16 * 2 ** 20, range, signal } = {}) => {
    if (range !== undefined) return getRange(key, range, signal);
    const bytes = await getAtMost(maxBytes, key, signal);
    if (typeof bytes !== 'number') return bytes;
    throw new BerthError(
      'STORE_CORRUPT',
      `${key} at ${where} has ${bytes} bytes, more than the ${maxBytes} that it may have; restore or delete it`,
      { details: { key, where } },
    );
  };

  /** Whether a key holds these bytes; `undefined` when it holds none. */
  const holds = async (
    key: string,
    body: ObjectBody,
    signal: AbortSignal | undefined,
  ): Promise<boolean | undefined> => {
    try {
      const stored = await getAtMost(sizeOf(body), key, signal);
      return typeof stored !== 'number' && equalsBody(stored, body);
    } catch (error) {
      if (isBerthError(error) && error.code === 'STORE_NOT_FOUND') return undefined;
      throw error;
    }
  };

  const send = async (key: string, body: ObjectBody, put: PutOptions): Promise<void> => {
    const hasCondition = put.ifAbsent === true && knowsConditions;
    const target = {
      Bucket: bucket,
      Key: root + key,
      ...(put.contentType !== undefined && { ContentType: put.contentType }),
    };
    const condition = hasCondition ? { IfNoneMatch: '*' } : {};
    if (sizeOf(body) > multipartThresholdBytes) {
      const { signal } = put;
      await putInParts(call, logger, {
        target,
        condition,
        key,
        parts: partsOf(sizeOf(body), partSizeBytes, (start, end) => partOf(body, start, end)),
        ...(signal && { signal }),
      });
      return;
    }
    const sha256 = put.sha256 ?? (await sha256InTurns(body));
    const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64');
    await call(
      `PUT ${key}`,
      async (s3, abortSignal, progressed) => {
        const command = new PutObjectCommand({
          ...target,
          ...condition,
          Body: sentBody(body, progressed),
          ContentLength: sizeOf(body),
          ChecksumSHA256,
        });
        await s3.send(command, { abortSignal });
      },
      put.signal,
    );
  };

  return {
    get,

    async put(key, body, put = {}) {
      for (let round = 1; ; round++) {
        try {
          // Not one act, as it is with a condition; ADR 0058 says why that is enough.
          if (put.ifAbsent === true && !knowsConditions) {
            const isOurs = await holds(key, body, put.signal);
            if (isOurs !== undefined) return isOurs ? 'written' : 'exists';
          }
          await send(key, body, put);
          return 'written';
        } catch (error) {
          if (put.ifAbsent === true && knowsConditions && isUnknownToService(error)) {
            knowsConditions = false;
            logger.warn('The store does not know If-None-Match; berth looks before it writes', {
              where,
            });
            continue;
          }
          if (!isBerthError(error) || error.code !== 'STORE_CONFLICT') throw error;
          // What is there may be our own: an earlier attempt whose answer was lost.
          const same = await holds(key, body, put.signal);
          if (same === true) return 'written';
          if (same === false && put.ifAbsent && classifyFailure(error.cause) === 'exists') {
            return 'exists';
          }
          if (round === maxCreationRounds) throw error;
        }
      }
    },

    putFile: (key, path) =>
      withFile(path, async ({ sizeBytes, partAt }) => {
        if (sizeBytes <= multipartThresholdBytes) await send(key, await partAt(0, sizeBytes), {});
        else {
          const target = { Bucket: bucket, Key: root + key };
          const parts = partsOf(sizeBytes, partSizeBytes, partAt);
          await putInParts(call, logger, { target, condition: {}, key, parts });
        }
      }),

    async putStream(key, pieces, { signal } = {}) {
      const target = { Bucket: bucket, Key: root + key };
      const parts = gathered(pieces, partSizeBytes);
      const first = await parts.next();
      const second = first.done === true ? first : await parts.next();
      if (first.done === true || second.done === true) {
        const body = first.done === true ? [] : first.value;
        await send(key, body, { ...(signal && { signal }) });
        return sizeOf(body);
      }
      let sizeBytes = 0;
      const counted = async function* (): AsyncGenerator<ObjectBody> {
        for (const part of [first.value, second.value]) {
          sizeBytes += sizeOf(part);
          yield part;
        }
        for await (const part of parts) {
          sizeBytes += sizeOf(part);
          yield part;
        }
      };
      const upload = { target, condition: {}, key, parts: counted(), ...(signal && { signal }) };
      await putInParts(call, logger, upload);
      return sizeBytes;
    },

    head: (key) =>
      call(`HEAD ${key}`, async (s3, abortSignal): Promise<ObjectInfo | undefined> => {
        const command = new HeadObjectCommand({ Bucket: bucket, Key: root + key });
        try {
          const { ContentLength, LastModified } = await s3.send(command, { abortSignal });
          return objectInfo(key, ContentLength, LastModified);
        } catch (error) {
          if (classifyFailure(error) === 'notFound') return undefined;
          throw error;
        }
      }),

    list: (keyPrefix, { signal } = {}) =>
      call(
        `LIST ${keyPrefix}`,
        async (s3, abortSignal) => {
          const objects: ObjectInfo[] = [];
          const input = { Bucket: bucket, Prefix: root + keyPrefix };
          for await (const page of paginateListObjectsV2({ client: s3 }, input, { abortSignal })) {
            for (const { Key = '', Size, LastModified } of page.Contents ?? []) {
              // What is listed may be deleted.
              if (!Key.startsWith(input.Prefix))
                throw new Error('names keys that were not asked for');
              objects.push(objectInfo(Key.slice(root.length), Size, LastModified));
            }
          }
          return objects;
        },
        signal,
      ),

    ...deleting(call, { bucket, root }),

    ...uploadCleaning(call, { bucket, root }),

    describe: () => where,

    ensureBucket: () =>
      call('create bucket', async (s3, abortSignal) => {
        try {
          await s3.send(new HeadBucketCommand({ Bucket: bucket }), { abortSignal });
        } catch (error) {
          if (classifyFailure(error) !== 'notFound') throw error;
          await createBucket(s3, bucket, abortSignal);
        }
      }),

    clockAheadMs: () => clock.aheadMs,

    close: () => client.destroy(),
  };
}

/** A body of known size in parts, each read when it is its turn. */
async function* partsOf(
  sizeBytes: number,
  partSizeBytes: number,
  partAt: (start: number, end: number) => ObjectBody | Promise<ObjectBody>,
): AsyncGenerator<ObjectBody> {
  for (let start = 0; start < sizeBytes; start += partSizeBytes)
    yield await partAt(start, Math.min(start + partSizeBytes, sizeBytes));
}

/** Pieces put together to parts of this size; the last may be smaller. */
async function* gathered(
  pieces: AsyncIterable<Uint8Array>,
  partSizeBytes: number,
): AsyncGenerator<ObjectBody, void, undefined> {
  let part: Uint8Array[] = [];
  let numBytes = 0;
  for await (const piece of pieces)
    for (let start = 0; start < piece.length;) {
      const some = piece.subarray(start, start + partSizeBytes - numBytes);
      part.push(some);
      numBytes += some.length;
      start += some.length;
      if (numBytes < partSizeBytes) continue;
      yield part;
      part = [];
      numBytes = 0;
    }
  if (numBytes > 0) yield part;
}

/** Whether the service has said that it does not know what it was asked. */
function isUnknownToService(error: unknown): boolean {
  return isBerthError(error) && error.details['reason'] === 'NotImplemented';
}

/** All that comes, or how much came when that is too much: a length need not be announced, and then is 0. */
async function readAtMost(
  maxBytes: number,
  body: Readable,
  { announced, progressed }: { readonly announced: number; readonly progressed: () => void },
): Promise<Uint8Array | number> {
  // As long as it will be: pieces that are joined at the end take its memory twice.
  let bytes = new Uint8Array(announced);
  let numBytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    const before = numBytes;
    numBytes += piece.length;
    // Leaving the loop closes the connection.
    if (numBytes > maxBytes) return numBytes;
    if (Math.floor(numBytes / progressBytes) > Math.floor(before / progressBytes)) progressed();
    if (numBytes > bytes.length) {
      const longer = new Uint8Array(Math.max(numBytes, 2 * bytes.length));
      longer.set(bytes.subarray(0, before));
      bytes = longer;
    }
    bytes.set(piece, before);
  }
  return numBytes === bytes.length ? bytes : bytes.slice(0, numBytes);
}

function objectInfo(key: string, sizeBytes = 0, lastModified?: Date): ObjectInfo {
  return { key, sizeBytes, lastModifiedMs: lastModified?.getTime() ?? 0 };
}
