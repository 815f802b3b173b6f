import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3';
import type { ObjectStore, UnfinishedUpload } from '@berth/contracts';
import type { S3Call } from './s3-call.ts';
import { classifyFailure } from './store-failure.ts';

/** The part of the port that finds and aborts multipart uploads which nobody completes any more. */
export function uploadCleaning(
  call: S3Call,
  { bucket, root }: { readonly bucket: string; readonly root: string },
): Pick<ObjectStore, 'listUploads' | 'abortUpload'> {
  return {
    listUploads: (keyPrefix) =>
      call(`LIST uploads ${keyPrefix}`, async (s3, abortSignal) => {
        const uploads: UnfinishedUpload[] = [];
        let page: ListMultipartUploadsCommandOutput | undefined;
        do {
          const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
            Bucket: bucket,
            Prefix: root + keyPrefix,
            KeyMarker: page?.NextKeyMarker,
            UploadIdMarker: page?.NextUploadIdMarker,
          });
          page = await s3.send(command, { abortSignal });
          for (const { Key = '', UploadId = '', Initiated } of page.Uploads ?? [])
            uploads.push({
              key: Key.slice(root.length),
              uploadId: UploadId,
              startedAtMs: Initiated?.getTime() ?? Date.now(),
            });
        } while (page.IsTruncated === true);
        return uploads;
      }),

    abortUpload: ({ key, uploadId }) =>
      call(`abort upload ${key}`, async (s3, abortSignal) => {
        const target = { Bucket: bucket, Key: root + key, UploadId: uploadId };
        try {
          await s3.send(new AbortMultipartUploadCommand(target), { abortSignal });
        } catch (error) {
          const kind = classifyFailure(error);
          // An upload that is over is not known any more.
          if (kind !== 'notFound' && kind !== 'restart') throw error;
        }
      }),
  };
}
