import { receiveDocument, receiveFile } from './body.ts';
import { checksumHeader, parseChecksumAlgorithm } from './checksums.ts';
import { S3Error } from './errors.ts';
import { storedHeaders } from './object-handlers.ts';
import { writeCondition } from './preconditions.ts';
import { parseCount, type Handler, type S3Request } from './request.ts';
import {
  abortUpload,
  completeUpload,
  createUpload,
  findUpload,
  listParts,
  listUploads,
  putPart,
  type PartReference,
  type Upload,
} from './uploads.ts';
import type { Storage } from './storage.ts';
import { childText, parseXml, xmlDocument } from './xml.ts';

const maxPartNumber = 10_000;

export const handleCreateUpload: Handler = async (storage, request) => {
  const { bucket, key, headers } = request;
  const checksum = uploadChecksum(headers);
  const upload = await createUpload(storage, {
    bucket,
    key,
    headers: storedHeaders(headers),
    ...(checksum && { checksum }),
  });
  return {
    status: 200,
    headers: {
      'x-amz-checksum-algorithm': checksum?.algorithm,
      'x-amz-checksum-type': checksum?.type,
    },
    body: xmlDocument('InitiateMultipartUploadResult', {
      Bucket: bucket,
      Key: key,
      UploadId: upload.uploadId,
    }),
  };
};

export const handleUploadPart: Handler = async (storage, request) => {
  if (request.headers['x-amz-copy-source'] !== undefined) {
    throw new S3Error('NotImplemented', 'UploadPartCopy is not available.');
  }
  const text = request.query.get('partNumber') ?? '';
  const partNumber = parseCount('partNumber', text, 1, maxPartNumber);
  const upload = await uploadOf(storage, request);
  const part = await receiveFile(
    storage,
    request,
    async (path, { md5, sizeBytes, checksum }) => {
      const sum = checksum && {
        algorithm: checksum.algorithm,
        value: checksum.raw.toString('base64'),
      };
      if (upload.checksum && sum?.algorithm !== upload.checksum.algorithm) {
        throw new S3Error(
          'InvalidRequest',
          `The upload was created with ${upload.checksum.algorithm}, the part has ${sum?.algorithm}.`,
        );
      }
      const facts = { partNumber, etag: md5.toString('hex'), sizeBytes };
      await putPart(storage, upload, path, { ...facts, ...(sum && { checksum: sum }) });
      return { ...facts, sum };
    },
    upload.checksum?.algorithm,
  );
  return {
    status: 200,
    headers: {
      ETag: `"${part.etag}"`,
      ...(part.sum && { [checksumHeader(part.sum.algorithm)]: part.sum.value }),
    },
  };
};

export const handleCompleteUpload: Handler = async (storage, request) => {
  const condition = writeCondition(request.headers);
  const upload = await uploadOf(storage, request);
  const references = parseReferences(await receiveDocument(withoutChecksum(request)), upload);
  const expected = upload.checksum && request.headers[checksumHeader(upload.checksum.algorithm)];
  const version = await completeUpload(storage, upload, references, condition, expected);
  const { algorithm, type, value } = version.checksum ?? {};
  return {
    status: 200,
    body: xmlDocument('CompleteMultipartUploadResult', {
      Location: `/${upload.bucket}/${upload.key}`,
      Bucket: upload.bucket,
      Key: upload.key,
      ETag: `"${version.etag}"`,
      ...(algorithm && { [`Checksum${algorithm}`]: value, ChecksumType: type }),
    }),
  };
};

export const handleAbortUpload: Handler = async (storage, request) => {
  await abortUpload(storage, await uploadOf(storage, request));
  return { status: 204 };
};

/** ListParts, always in one page. */
export const handleListParts: Handler = async (storage, request) => {
  const upload = await uploadOf(storage, request);
  const parts = await listParts(storage, upload);
  return {
    status: 200,
    body: xmlDocument('ListPartsResult', {
      Bucket: upload.bucket,
      Key: upload.key,
      UploadId: upload.uploadId,
      StorageClass: 'STANDARD',
      MaxParts: maxPartNumber,
      IsTruncated: false,
      ChecksumAlgorithm: upload.checksum?.algorithm,
      ChecksumType: upload.checksum?.type,
      Part: parts.map(({ partNumber, modifiedMs, etag, sizeBytes, checksum }) => ({
        PartNumber: partNumber,
        LastModified: new Date(modifiedMs).toISOString(),
        ETag: `"${etag}"`,
        Size: sizeBytes,
        ...(checksum && { [`Checksum${checksum.algorithm}`]: checksum.value }),
      })),
    }),
  };
};

/** ListMultipartUploads, always in one page. */
export const handleListUploads: Handler = async (storage, { bucket, query }) => {
  const prefix = query.get('prefix') ?? '';
  const uploads = (await listUploads(storage, bucket)).filter(({ key }) => key.startsWith(prefix));
  return {
    status: 200,
    body: xmlDocument('ListMultipartUploadsResult', {
      Bucket: bucket,
      Prefix: prefix,
      IsTruncated: false,
      Upload: uploads.map(({ key, uploadId, initiatedMs, checksum }) => ({
        Key: key,
        UploadId: uploadId,
        StorageClass: 'STANDARD',
        Initiated: new Date(initiatedMs).toISOString(),
        ChecksumAlgorithm: checksum?.algorithm,
        ChecksumType: checksum?.type,
      })),
    }),
  };
};

function uploadOf(storage: Storage, { bucket, key, query }: S3Request): Promise<Upload> {
  return findUpload(storage, bucket, key, query.get('uploadId') ?? '');
}

function uploadChecksum(headers: S3Request['headers']): Upload['checksum'] {
  const name = headers['x-amz-checksum-algorithm'];
  if (name === undefined) return undefined;
  const algorithm = parseChecksumAlgorithm(name);
  const wholeOnly = algorithm === 'CRC64NVME';
  const type = headers['x-amz-checksum-type'] ?? (wholeOnly ? 'FULL_OBJECT' : 'COMPOSITE');
  const isHash = algorithm === 'SHA1' || algorithm === 'SHA256';
  if (type === 'COMPOSITE' && !wholeOnly) return { algorithm, type };
  if (type === 'FULL_OBJECT' && !isHash) return { algorithm, type };
  throw new S3Error(
    'InvalidRequest',
    `The checksum type ${type} cannot be used with ${algorithm}.`,
  );
}

/** The checksum in the head of CompleteMultipartUpload is the object's, not that of the document in the body. */
function withoutChecksum(request: S3Request): S3Request {
  const headers = Object.entries(request.headers).filter(
    ([name]) => !/^x-amz-(checksum-|sdk-checksum-)/.test(name),
  );
  return { ...request, headers: Object.fromEntries(headers) };
}

function parseReferences(document: string, upload: Upload): PartReference[] {
  const root = parseXml(document, 'CompleteMultipartUpload');
  const parts = root.children.filter((child) => child.name === 'Part');
  if (parts.length === 0) {
    throw new S3Error('MalformedXML', 'You must specify at least one part.');
  }
  return parts.map((part) => {
    const etag = (childText(part, 'ETag') ?? '').replace(/^"(.*)"$/, '$1');
    const partNumber = parseCount(
      'PartNumber',
      childText(part, 'PartNumber') ?? '',
      1,
      maxPartNumber,
    );
    const checksum = upload.checksum && childText(part, `Checksum${upload.checksum.algorithm}`);
    return { partNumber, etag, ...(checksum !== undefined && { checksum }) };
  });
}
