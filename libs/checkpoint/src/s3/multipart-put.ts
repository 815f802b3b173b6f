import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
} from '@aws-sdk/client-s3';
import type { Logger, ObjectBody } from '@berth/contracts';
import { sha256InTurns } from '../digest.ts';
import { mapConcurrently } from '../map-concurrently.ts';
import { sizeOf } from '../object-body.ts';
import type { S3Call } from './s3-call.ts';
import { sentBody } from './sent-body.ts';

const numParallelParts = 4;

interface MultipartPut {
  readonly target: { readonly Bucket: string; readonly Key: string; readonly ContentType?: string };
  readonly condition: { readonly IfNoneMatch?: string };
  /** For messages. */
  readonly key: string;
  /** Its parts in order, each asked for when it is its turn. */
  readonly parts: AsyncIterable<ObjectBody>;
  readonly signal?: AbortSignal;
}

/** Uploads a large object in parts, four at a time; the object appears only when all are there. Aborts the upload on failure. */
export async function putInParts(call: S3Call, logger: Logger, put: MultipartPut): Promise<void> {
  const { target, condition, key, signal } = put;
  const { Bucket, Key } = target;
  const UploadId = await call(
    `start upload ${key}`,
    async (s3, abortSignal) => {
      const command = new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: 'SHA256' });
      return (await s3.send(command, { abortSignal })).UploadId;
    },
    signal,
  );
  try {
    const Parts = await uploadParts(call, put, UploadId);
    const MultipartUpload = { Parts };
    const command = new CompleteMultipartUploadCommand({
      Bucket,
      Key,
      UploadId,
      MultipartUpload,
      ...condition,
    });
    await call(
      `complete upload ${key}`,
      async (s3, abortSignal) => void (await s3.send(command, { abortSignal })),
      signal,
    );
  } catch (error) {
    await call(`abort upload ${key}`, async (s3, abortSignal) => {
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }), { abortSignal });
    }).catch((abortError: unknown) => {
      logger.warn('could not abort a multipart upload; its parts stay', {
        key,
        UploadId,
        abortError,
      });
    });
    throw error;
  }
}

async function uploadParts(
  call: S3Call,
  { target: { Bucket, Key }, key, parts, signal }: MultipartPut,
  UploadId: string | undefined,
): Promise<CompletedPart[]> {
  return mapConcurrently(
    parts,
    numParallelParts,
    async (part, siblings, index) => {
      const PartNumber = index + 1;
      const ChecksumSHA256 = Buffer.from(await sha256InTurns(part), 'hex').toString('base64');
      const target = { Bucket, Key, UploadId, PartNumber, ChecksumSHA256 };
      return call(
        `PUT part ${PartNumber} of ${key}`,
        async (s3, abortSignal, progressed) => {
          const command = new UploadPartCommand({
            ...target,
            Body: sentBody(part, progressed),
            ContentLength: sizeOf(part),
          });
          const { ETag } = await s3.send(command, { abortSignal });
          return { PartNumber, ETag, ChecksumSHA256 };
        },
        siblings,
      );
    },
    signal,
  );
}
