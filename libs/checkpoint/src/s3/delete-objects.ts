import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  type DeleteObjectsCommandOutput,
} from '@aws-sdk/client-s3';
import { isBerthError, type ObjectStore } from '@berth/contracts';
import { mapConcurrently } from '../map-concurrently.ts';
import type { S3Call } from './s3-call.ts';

/** What services say that take no lists of keys, or none with the checksums of today's SDK. */
const unknownLists: ReadonlySet<unknown> = new Set([
  'NotImplemented',
  'MethodNotAllowed',
  'MissingContentMD5',
  'InvalidRequest',
]);

/** As many as the service takes at once. */
const maxKeysAtOnce = 1_000;
const numAtOnce = 8;

/** The part of the port that deletes. A service that deletes no lists has every key asked for by itself. */
export function deleting(
  call: S3Call,
  { bucket, root }: { readonly bucket: string; readonly root: string },
): Pick<ObjectStore, 'delete' | 'deleteAll'> {
  let knowsLists = true;

  const deleteOne: ObjectStore['delete'] = (key, { signal } = {}) =>
    call(
      `DELETE ${key}`,
      async (s3, abortSignal) => {
        const command = new DeleteObjectCommand({ Bucket: bucket, Key: root + key });
        await s3.send(command, { abortSignal });
      },
      signal,
    );

  const deleteList: ObjectStore['deleteAll'] = (keys, { signal } = {}) =>
    call(
      `DELETE ${keys.length} objects, ${keys[0]} the first`,
      async (s3, abortSignal) => {
        const Objects = keys.map((key) => ({ Key: root + key }));
        const Delete = { Objects, Quiet: true };
        const command = new DeleteObjectsCommand({ Bucket: bucket, Delete });
        const answer = await s3.send(command, { abortSignal });
        const failure = failureOf(answer);
        if (failure !== undefined) throw failure;
      },
      signal,
    );

  return {
    delete: deleteOne,
    async deleteAll(keys, options = {}) {
      for (let start = 0; start < keys.length; start += maxKeysAtOnce) {
        const some = keys.slice(start, start + maxKeysAtOnce);
        if (knowsLists)
          try {
            await deleteList(some, options);
            continue;
          } catch (error) {
            if (!isBerthError(error) || !unknownLists.has(error.details['reason'])) throw error;
            knowsLists = false;
          }
        await mapConcurrently(some, numAtOnce, (key) => deleteOne(key, options), options.signal);
      }
    },
  };
}

/** Codes that an answer has for single keys, and the status that the service has for them elsewhere. */
const statusOfCode: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  InternalError: 500,
  ServiceUnavailable: 503,
  SlowDown: 503,
};

/** What a whole call would have failed with for the first key that it did not delete. */
function failureOf({ Errors = [], $metadata }: DeleteObjectsCommandOutput): Error | undefined {
  const failed = Errors.find(({ Code }) => Code !== 'NoSuchKey');
  if (failed === undefined) return undefined;
  const { Code = 'Unknown', Key = '', Message = '' } = failed;
  return Object.assign(new Error(`${Key}: ${Message}`), {
    name: Code,
    $metadata: { ...$metadata, httpStatusCode: statusOfCode[Code] ?? 400 },
  });
}
