import { S3Error } from './errors.ts';
import type { ObjectVersion, WriteCondition } from './objects.ts';
import type { S3Request } from './request.ts';

/**
 * The condition a conditional PutObject or CompleteMultipartUpload sets.
 * @throws S3Error `NotImplemented` for `If-None-Match` with an ETag, as S3 does; the condition itself throws
 * `PreconditionFailed`, or `NoSuchKey` for `If-Match` on a missing object
 */
export function writeCondition(headers: S3Request['headers']): WriteCondition {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', 'If-None-Match on a write must be *.');
  }
  return (current) => {
    if (ifNoneMatch === '*' && current) throw failed('If-None-Match');
    if (ifMatch === undefined) return;
    if (!current) throw new S3Error('NoSuchKey', 'If-Match was given, but the key does not exist.');
    if (!matches(ifMatch, current.etag)) throw failed('If-Match');
  };
}

/** Checks the conditions of a read (RFC 9110 section 13.2.2). @throws S3Error `PreconditionFailed`, `NotModified` */
export function assertReadable(headers: S3Request['headers'], version: ObjectVersion): void {
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const modifiedSeconds = Math.floor(version.modifiedMs / 1000);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) throw failed('If-Match');
  } else if (modifiedSeconds > seconds(headers['if-unmodified-since'], Infinity)) {
    throw failed('If-Unmodified-Since');
  }
  const unmodified =
    ifNoneMatch === undefined
      ? modifiedSeconds <= seconds(headers['if-modified-since'], -Infinity)
      : matches(ifNoneMatch, version.etag);
  if (unmodified) throw new S3Error('NotModified', 'The object has not changed.');
}

function matches(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((item) => item.trim().replace(/^"(.*)"$/, '$1'))
    .some((item) => item === '*' || item === etag);
}

function seconds(date: string | undefined, missing: number): number {
  const parsed = Date.parse(date ?? '') / 1000;
  return Number.isNaN(parsed) ? missing : parsed;
}

function failed(condition: string): S3Error {
  return new S3Error(
    'PreconditionFailed',
    `At least one of the pre-conditions you specified did not hold: ${condition}.`,
  );
}
