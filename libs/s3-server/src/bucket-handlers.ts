import { S3Error } from './errors.ts';
import { listPage } from './list-page.ts';
import { deleteObject, findObject, listKeys } from './objects.ts';
import { receiveDocument } from './body.ts';
import { parseCount, type Handler } from './request.ts';
import { createBucket, deleteBucket, listBuckets, requireBucket } from './storage.ts';
import { childText, parseXml, xmlDocument, type XmlContent } from './xml.ts';

const maxKeysPerPage = 1000;

export const handleListBuckets: Handler = async (storage) => {
  const buckets = await listBuckets(storage);
  const list = buckets.map(({ name, createdMs }) => ({
    Name: name,
    CreationDate: new Date(createdMs).toISOString(),
  }));
  const owner = { ID: 'berth', DisplayName: 'berth' };
  return {
    status: 200,
    body: xmlDocument('ListAllMyBucketsResult', { Owner: owner, Buckets: { Bucket: list } }),
  };
};

export const handleCreateBucket: Handler = async (storage, request) => {
  await createBucket(storage, request.bucket);
  return { status: 200, headers: { Location: `/${request.bucket}` } };
};

export const handleHeadBucket: Handler = async (storage, request) => {
  await requireBucket(storage, request.bucket);
  return { status: 200 };
};

export const handleDeleteBucket: Handler = async (storage, request) => {
  await deleteBucket(storage, request.bucket);
  return { status: 204 };
};

export const handleBucketLocation: Handler = async (storage, request) => {
  await requireBucket(storage, request.bucket);
  return { status: 200, body: xmlDocument('LocationConstraint', {}) };
};

/** ListObjectsV2. */
export const handleListObjects: Handler = async (storage, { bucket, query }) => {
  if (query.get('list-type') !== '2') {
    throw new S3Error('NotImplemented', 'Only ListObjectsV2 is available: add list-type=2.');
  }
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const token = query.get('continuation-token');
  const startAfter = query.get('start-after');
  const limit = parseCount('max-keys', query.get('max-keys') ?? '1000', 0, 2 ** 31 - 1);
  const maxKeys = Math.min(limit, maxKeysPerPage);
  const after = token === undefined ? (startAfter ?? '') : decodeToken(token);
  const encode = textEncoder(query.get('encoding-type'));

  const sortedKeys = await listKeys(storage, bucket, prefix);
  const page = listPage(sortedKeys, { prefix, delimiter, maxKeys, after });
  const contents: XmlContent[] = [];
  for (const key of page.keys) {
    const version = await findObject(storage, bucket, key);
    if (!version) continue; // deleted since the keys were read
    contents.push({
      Key: encode(key),
      LastModified: new Date(version.modifiedMs).toISOString(),
      ETag: `"${version.etag}"`,
      ...(version.checksum && {
        ChecksumAlgorithm: version.checksum.algorithm,
        ChecksumType: version.checksum.type,
      }),
      Size: version.sizeBytes,
      StorageClass: 'STANDARD',
    });
  }
  return {
    status: 200,
    body: xmlDocument('ListBucketResult', {
      Name: bucket,
      Prefix: encode(prefix),
      Delimiter: delimiter === '' ? undefined : encode(delimiter),
      MaxKeys: maxKeys,
      EncodingType: query.get('encoding-type'),
      KeyCount: contents.length + page.commonPrefixes.length,
      IsTruncated: page.next !== undefined,
      ContinuationToken: token,
      NextContinuationToken: page.next === undefined ? undefined : encodeToken(page.next),
      StartAfter: startAfter === undefined ? undefined : encode(startAfter),
      Contents: contents,
      CommonPrefixes: page.commonPrefixes.map((group) => ({ Prefix: encode(group) })),
    }),
  };
};

/** DeleteObjects: up to 1000 keys in one document. */
export const handleDeleteObjects: Handler = async (storage, request) => {
  await requireBucket(storage, request.bucket);
  const root = parseXml(await receiveDocument(request), 'Delete');
  const keys = root.children
    .filter((child) => child.name === 'Object')
    .map((child) => childText(child, 'Key'))
    .filter((key) => key !== undefined);
  if (keys.length === 0 || keys.length > maxKeysPerPage) {
    throw new S3Error('MalformedXML', `A Delete document names 1 to ${maxKeysPerPage} keys.`);
  }
  const deleted: string[] = [];
  const errors: XmlContent[] = [];
  for (const key of keys) {
    try {
      await deleteObject(storage, request.bucket, key, () => {});
      deleted.push(key);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      errors.push({ Key: key, Code: error.code, Message: error.message });
    }
  }
  const quiet = childText(root, 'Quiet') === 'true';
  return {
    status: 200,
    body: xmlDocument('DeleteResult', {
      Deleted: quiet ? [] : deleted.map((Key) => ({ Key })),
      Error: errors,
    }),
  };
};

function textEncoder(encodingType: string | undefined): (text: string) => string {
  if (encodingType === undefined) return (text) => text;
  if (encodingType === 'url') return encodeURIComponent;
  throw new S3Error('InvalidArgument', 'encoding-type must be url.');
}

function encodeToken(after: string): string {
  return Buffer.from(after).toString('base64url');
}

function decodeToken(token: string): string {
  const after = Buffer.from(token, 'base64url').toString();
  if (after !== '' && encodeToken(after) === token) return after;
  throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect.');
}
