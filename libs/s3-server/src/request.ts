import type { Readable } from 'node:stream';
import { S3Error } from './errors.ts';
import type { SigningContext } from './sigv4.ts';
import type { Storage } from './storage.ts';

/** What a request is aimed at; an empty bucket or key means the level above. */
export interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

/** A verified request as the handlers see it. */
export interface S3Request extends Target {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** As sent; `readBody` decodes and verifies it. */
  readonly body: AsyncIterable<Buffer>;
  readonly signing: SigningContext;
}

export interface S3Response {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number | undefined>>;
  /** An XML document, or the bytes of an object. */
  readonly body?: string | Readable;
}

export type Handler = (storage: Storage, request: S3Request) => Promise<S3Response>;

/** Splits a request line's path and query, both as sent. @throws S3Error `InvalidArgument` for bad percent-encoding. */
export function parseTarget(path: string, query: string): Target {
  try {
    const [, bucket = '', ...key] = path.split('/');
    const pairs = query.split('&').filter((pair) => pair !== '');
    return {
      bucket: decodeURIComponent(bucket),
      key: decodeURIComponent(key.join('/')),
      query: new Map(
        pairs.map((pair): [string, string] => {
          const [name = '', ...value] = pair.split('=');
          return [decodeURIComponent(name), decodeURIComponent(value.join('='))];
        }),
      ),
    };
  } catch {
    throw new S3Error('InvalidArgument', 'The request target is not valid percent-encoded UTF-8.');
  }
}

/** A whole number from a query or header. @throws S3Error `InvalidArgument` */
export function parseCount(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new S3Error('InvalidArgument', `${name} must be a whole number from ${min} to ${max}.`);
}
