import { receiveFile, type BodyFacts } from './body.ts';
import { checksumHeader, type Checksum } from './checksums.ts';
import { S3Error } from './errors.ts';
import { commitObject, deleteObject, openObject, type ObjectVersion } from './objects.ts';
import { assertReadable, writeCondition } from './preconditions.ts';
import { parseByteRange } from './byte-range.ts';
import type { Handler, S3Request, S3Response } from './request.ts';
import { requireBucket } from './storage.ts';

export const handlePutObject: Handler = async (storage, request) => {
  const { bucket, key, headers } = request;
  await requireBucket(storage, bucket);
  const condition = writeCondition(headers);
  const version = await receiveFile(storage, request, (path, facts) => {
    const checksum = fullChecksum(facts);
    const stored = {
      etag: facts.md5.toString('hex'),
      headers: storedHeaders(headers),
      ...(checksum && { checksum }),
    };
    return commitObject(storage, bucket, key, path, stored, condition);
  });
  return {
    status: 200,
    headers: { ETag: `"${version.etag}"`, ...checksumHeaders(version.checksum) },
  };
};

export const handleGetObject: Handler = async (storage, { bucket, key, headers }) => {
  const { handle, version } = await openObject(storage, bucket, key);
  try {
    const { first, length, response } = describe(version, headers);
    if (length === 0) {
      await handle.close();
      return response;
    }
    const body = handle.createReadStream({
      start: first,
      end: first + length - 1,
      highWaterMark: 2 ** 18,
    });
    return { ...response, body };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

export const handleHeadObject: Handler = async (storage, { bucket, key, headers }) => {
  const { handle, version } = await openObject(storage, bucket, key);
  await handle.close();
  return describe(version, headers).response;
};

export const handleDeleteObject: Handler = async (storage, { bucket, key, headers }) => {
  await deleteObject(storage, bucket, key, writeCondition(headers));
  return { status: 204 };
};

/** The head of an answer to GET or HEAD, and the bytes it is about. */
function describe(
  version: ObjectVersion,
  headers: S3Request['headers'],
): { first: number; length: number; response: S3Response } {
  assertReadable(headers, version);
  const range = parseByteRange(headers['range'], version.sizeBytes);
  const { first, length } = range ?? { first: 0, length: version.sizeBytes };
  const wantsChecksum = headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED' && !range;
  return {
    first,
    length,
    response: {
      status: range ? 206 : 200,
      headers: {
        'Content-Type': 'binary/octet-stream',
        ...version.headers,
        'Content-Length': length,
        'Content-Range': range && `bytes ${first}-${first + length - 1}/${version.sizeBytes}`,
        'Accept-Ranges': 'bytes',
        'Last-Modified': new Date(version.modifiedMs).toUTCString(),
        ETag: `"${version.etag}"`,
        ...(wantsChecksum && checksumHeaders(version.checksum)),
      },
    },
  };
}

function checksumHeaders(checksum: Checksum | undefined): Record<string, string> {
  if (!checksum) return {};
  return {
    [checksumHeader(checksum.algorithm)]: checksum.value,
    'x-amz-checksum-type': checksum.type,
  };
}

const keptHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'Cache-Control',
  'content-disposition': 'Content-Disposition',
  'content-encoding': 'Content-Encoding',
  'content-language': 'Content-Language',
  'content-type': 'Content-Type',
};

/** The headers of an upload that reads give back. @throws S3Error `NotImplemented` for what this server does not keep */
export function storedHeaders(headers: S3Request['headers']): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const kept = keptHeaders[name];
    if (name === 'content-encoding') {
      const encodings = value.split(',').map((encoding) => encoding.trim());
      const kept = encodings.filter((encoding) => encoding !== 'aws-chunked' && encoding !== '');
      if (kept.length > 0) stored['Content-Encoding'] = kept.join(',');
    } else if (kept !== undefined) stored[kept] = value;
    else if (name.startsWith('x-amz-meta-')) stored[name] = value;
    else if (/^x-amz-(copy-source|server-side-encryption|object-lock|tagging)/.test(name)) {
      throw new S3Error('NotImplemented', `The header ${name} asks for what this server lacks.`);
    }
  }
  return stored;
}

function fullChecksum({ checksum }: BodyFacts): Checksum | undefined {
  if (!checksum) return undefined;
  const { algorithm, raw } = checksum;
  return { algorithm, type: 'FULL_OBJECT', value: raw.toString('base64') };
}
