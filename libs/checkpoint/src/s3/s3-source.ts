import { Readable } from 'node:stream';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { BerthError, isBerthError, type Logger } from '@berth/contracts';
import { createS3Call } from './s3-call.ts';
import { createClient } from './s3-client.ts';
import type { S3ObjectStoreOptions } from './s3-options.ts';

/** An object of any bucket. */
export interface SourceObject {
  /** s3://bucket/key */
  readonly place: string;
  readonly sizeBytes: number;
  /** Its ETag. */
  readonly version: string;
}

interface SourceOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Reads what others have put into buckets. Calls reject with `STORE_*` as those of an object store do. */
export interface S3Source {
  /** The objects whose places begin with this, in order. */
  list(place: string, options?: SourceOptions): AsyncGenerator<SourceObject>;
  /** @returns the bytes from `start` on and before `end`; undefined when the object is gone, or of another version */
  read(
    object: SourceObject,
    range: SourceOptions & { readonly start: number; readonly end: number },
  ): Promise<Uint8Array | undefined>;
  /** Closes idle connections. */
  close(): void;
}

/** @param options - of the service and its keys; the bucket is named by each place */
export function createS3Source(
  options: Omit<S3ObjectStoreOptions, 'bucket' | 'prefix'>,
  logger: Logger,
): S3Source {
  const client = createClient({ ...options, bucket: '' });
  const where = options.endpoint === undefined ? 's3:/' : new URL(options.endpoint).origin;
  const call = createS3Call(client, where, options, logger);
  return {
    async *list(place, { signal } = {}) {
      const { bucket, key } = partsOf(place);
      let token: string | undefined;
      do {
        const { Contents = [], NextContinuationToken } = await call(
          `LIST ${place}`,
          (s3, abortSignal) => {
            const input = { Bucket: bucket, Prefix: key, ContinuationToken: token };
            return s3.send(new ListObjectsV2Command(input), { abortSignal });
          },
          signal,
        );
        for (const { Key = '', Size = 0, ETag = '' } of Contents)
          yield { place: `s3://${bucket}/${Key}`, sizeBytes: Size, version: ETag };
        token = NextContinuationToken;
      } while (token !== undefined);
    },

    async read({ place, version }, { start, end, signal }) {
      if (end <= start) return new Uint8Array();
      const { bucket, key } = partsOf(place);
      try {
        return await call(
          `GET ${place}`,
          async (s3, abortSignal, progressed) => {
            const command = new GetObjectCommand({
              Bucket: bucket,
              Key: key,
              Range: `bytes=${start}-${end - 1}`,
              IfMatch: version,
            });
            const { Body } = await s3.send(command, { abortSignal });
            return readExactly(end - start, Body, progressed);
          },
          signal,
        );
      } catch (error) {
        if (isBerthError(error) && isGone(error)) return undefined;
        throw error;
      }
    },

    close: () => client.destroy(),
  };
}

/** An object that is gone, replaced, or shorter than it was. */
function isGone({ code, details }: BerthError): boolean {
  if (code === 'STORE_CONFLICT' || details['reason'] === 'InvalidRange') return true;
  return code === 'STORE_NOT_FOUND' && details['reason'] !== 'NoSuchBucket';
}

/** @throws BerthError `CONFIG_INVALID` for a place that names no bucket */
function partsOf(place: string): { readonly bucket: string; readonly key: string } {
  const { bucket, key } = /^s3:\/\/(?<bucket>[^/]+)(?:\/(?<key>.*))?$/s.exec(place)?.groups ?? {};
  if (bucket !== undefined) return { bucket, key: key ?? '' };
  throw new BerthError('CONFIG_INVALID', `${place} names no bucket: write s3://bucket/prefix`);
}

/** @throws an error that passes when other than so many bytes come */
async function readExactly(
  numBytes: number,
  body: unknown,
  progressed: () => void,
): Promise<Uint8Array> {
  const pieces: Buffer[] = [];
  let numRead = 0;
  if (body instanceof Readable)
    for await (const piece of body as AsyncIterable<Buffer>) {
      numRead += piece.length;
      pieces.push(piece);
      progressed();
      // Leaving the loop closes the connection.
      if (numRead > numBytes) break;
    }
  if (numRead === numBytes) return Buffer.concat(pieces);
  throw new Error(`${numRead} bytes came for ${numBytes}`);
}
