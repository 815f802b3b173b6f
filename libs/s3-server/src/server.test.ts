import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import {
  createTestClient,
  sendAsIs,
  sendRaw,
  sha256,
  signRequest,
  startTestServer,
} from './testing/served-store.ts';

const Bucket = 'box';

async function startWithBucket(): ReturnType<typeof startTestServer> {
  const server = await startTestServer();
  await server.client.send(new CreateBucketCommand({ Bucket }));
  return server;
}

async function readText(client: S3Client, Key: string): Promise<string> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  return (await Body?.transformToString()) ?? '';
}

function failure(name: string, status: number): unknown {
  return expect.objectContaining({
    name,
    $metadata: expect.objectContaining({ httpStatusCode: status }) as unknown,
  });
}

describe('buckets', () => {
  it('are created once, listed, found, and deleted when empty', async () => {
    const { client } = await startWithBucket();
    await expect(client.send(new CreateBucketCommand({ Bucket }))).rejects.toEqual(
      failure('BucketAlreadyOwnedByYou', 409),
    );
    await expect(client.send(new CreateBucketCommand({ Bucket: 'No' }))).rejects.toEqual(
      failure('InvalidBucketName', 400),
    );
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual([Bucket]);
    await client.send(new HeadBucketCommand({ Bucket }));
    await client.send(new PutObjectCommand({ Bucket, Key: 'a/b', Body: 'x' }));
    await expect(client.send(new DeleteBucketCommand({ Bucket }))).rejects.toEqual(
      failure('BucketNotEmpty', 409),
    );
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a/b' }));
    await client.send(new DeleteBucketCommand({ Bucket }));
    await expect(client.send(new HeadBucketCommand({ Bucket }))).rejects.toEqual(
      failure('NotFound', 404),
    );
    await expect(
      client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' })),
    ).rejects.toEqual(failure('NoSuchBucket', 404));
  });
});

describe('objects', () => {
  it('come back with their bytes, headers, ETag and checksum', async () => {
    const { client } = await startWithBucket();
    const Body = randomBytes(300_000);
    const Key = "folder/a key's 100% ünï+code.bin";
    const put = await client.send(
      new PutObjectCommand({
        Bucket,
        Key,
        Body,
        ContentType: 'application/x-test',
        Metadata: { step: '7' },
      }),
    );
    const get = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(Body.equals((await get.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(get).toMatchObject({
      ContentType: 'application/x-test',
      Metadata: { step: '7' },
      ContentLength: Body.length,
      ETag: `"${createHash('md5').update(Body).digest('hex')}"`,
      ChecksumCRC32: put.ChecksumCRC32,
      ChecksumType: 'FULL_OBJECT',
    });
    const head = await client.send(new HeadObjectCommand({ Bucket, Key }));
    expect(head.ContentLength).toBe(Body.length);
    expect(head.ChecksumCRC32).toBeUndefined();
  });

  it('hold nothing, and are replaced whole', async () => {
    const { client } = await startWithBucket();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: Buffer.alloc(0) }));
    expect(await readText(client, 'k')).toBe('');
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'second' }));
    expect(await readText(client, 'k')).toBe('second');
  });

  it('survive a restart of the server', async () => {
    const first = await startWithBucket();
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ChecksumAlgorithm: 'SHA256' });
    const { ETag, ChecksumSHA256 } = await first.client.send(put);
    await first.close();
    const { client } = await startTestServer(first.folder);
    const head = new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' });
    expect(await client.send(head)).toMatchObject({ ETag, ChecksumSHA256 });
  });

  it('give the range asked for', async () => {
    const { client } = await startWithBucket();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '0123456789' }));
    const get = await client.send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=2-4' }));
    expect(await get.Body?.transformToString()).toBe('234');
    expect(get.ContentRange).toBe('bytes 2-4/10');
    await expect(
      client.send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=10-' })),
    ).rejects.toEqual(failure('InvalidRange', 416));
  });

  it('are missing with NoSuchKey, and their deletion is no error', async () => {
    const { client } = await startWithBucket();
    await expect(readText(client, 'none')).rejects.toEqual(failure('NoSuchKey', 404));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'none' }));
  });

  it('are deleted by the document, up to a thousand at once', async () => {
    const { client } = await startWithBucket();
    for (const Key of ['a', 'b/c', 'd&<e>']) {
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    }
    const Objects = [{ Key: 'a' }, { Key: 'd&<e>' }, { Key: 'none' }];
    const result = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(result.Deleted).toEqual(Objects);
    const left = await client.send(new ListObjectsV2Command({ Bucket }));
    expect(left.Contents?.map(({ Key }) => Key)).toEqual(['b/c']);
  });

  it('are listed page by page, with prefix, delimiter and start', async () => {
    const { client } = await startWithBucket();
    const keys = ['a', 'b/1', 'b/2', 'c/1', 'd'];
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    const seen: unknown[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await client.send(
        new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 2, ContinuationToken }),
      );
      seen.push([page.Contents, page.CommonPrefixes]);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(seen).toMatchObject([
      [[{ Key: 'a', Size: 1 }], [{ Prefix: 'b/' }]],
      [[{ Key: 'd' }], [{ Prefix: 'c/' }]],
    ]);
    const rest = await client.send(
      new ListObjectsV2Command({ Bucket, Prefix: 'b/', StartAfter: 'b/1' }),
    );
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['b/2']);
    expect(rest.IsTruncated).toBe(false);
  });

  it('take a stream with a trailing checksum in bounded pieces', async () => {
    const { client } = await startWithBucket();
    const Body = randomBytes(1_000_000);
    const pieces = Readable.from([
      Body.subarray(0, 7),
      Body.subarray(7, 500_000),
      Body.subarray(500_000),
    ]);
    await client.send(
      new PutObjectCommand({ Bucket, Key: 'k', Body: pieces, ContentLength: Body.length }),
    );
    const get = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(Body.equals((await get.Body?.transformToByteArray()) ?? Buffer.alloc(0))).toBe(true);
    expect(get.ContentEncoding).toBeUndefined();
  });
});

describe('conditions', () => {
  it('let one of twenty racing creators win', async () => {
    const { client } = await startWithBucket();
    const race = await Promise.allSettled(
      Array.from({ length: 20 }, (_, racer) =>
        client.send(
          new PutObjectCommand({ Bucket, Key: 'k', Body: `racer ${racer}`, IfNoneMatch: '*' }),
        ),
      ),
    );
    const winners = race.flatMap(({ status }, racer) => (status === 'fulfilled' ? [racer] : []));
    expect(winners).toHaveLength(1);
    expect(await readText(client, 'k')).toBe(`racer ${winners[0]}`);
    const losses = race.filter((result) => result.status === 'rejected');
    expect(losses.map(({ reason }) => (reason as Error).name)).toEqual(
      Array.from({ length: 19 }, () => 'PreconditionFailed'),
    );
  });

  it('let one of twenty racing updaters of the same ETag win', async () => {
    const { client } = await startWithBucket();
    const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'first' });
    const { ETag } = await client.send(put);
    const race = await Promise.allSettled(
      Array.from({ length: 20 }, (_, racer) =>
        client.send(
          new PutObjectCommand({ Bucket, Key: 'k', Body: `racer ${racer}`, IfMatch: ETag }),
        ),
      ),
    );
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  // After the conditional put cases of ceph/s3-tests.
  it.each([
    [
      'If-None-Match * on a key that exists',
      { IfNoneMatch: '*' },
      'old',
      'PreconditionFailed',
      412,
    ],
    ['If-None-Match with an ETag', { IfNoneMatch: '"abc"' }, 'old', 'NotImplemented', 501],
    ['If-Match with another ETag', { IfMatch: '"abc"' }, 'old', 'PreconditionFailed', 412],
    ['If-Match on a missing key', { IfMatch: '"abc"' }, 'new', 'NoSuchKey', 404],
  ])('refuse a put: %s', async (_, condition, Key, name, status) => {
    const { client } = await startWithBucket();
    await client.send(new PutObjectCommand({ Bucket, Key: 'old', Body: 'before' }));
    await expect(
      client.send(new PutObjectCommand({ Bucket, Key, Body: 'after', ...condition })),
    ).rejects.toEqual(failure(name, status));
    expect(await readText(client, 'old')).toBe('before');
  });

  it.each([
    ['If-None-Match * on a new key', { IfNoneMatch: '*' }, 'new'],
    ['If-Match * on a key that exists', { IfMatch: '*' }, 'old'],
  ])('allow a put: %s', async (_, condition, Key) => {
    const { client } = await startWithBucket();
    await client.send(new PutObjectCommand({ Bucket, Key: 'old', Body: 'before' }));
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'after', ...condition }));
    expect(await readText(client, Key)).toBe('after');
  });

  it('hold for reads', async () => {
    const { client } = await startWithBucket();
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const get = (condition: object): Promise<unknown> =>
      client.send(new GetObjectCommand({ Bucket, Key: 'k', ...condition }));
    const [past, future] = [new Date(0), new Date(Date.now() + 86_400_000)];
    for (const held of [{ IfMatch: ETag }, { IfNoneMatch: '"abc"' }, { IfModifiedSince: past }]) {
      await expect(get(held)).resolves.toBeDefined();
    }
    await expect(get({ IfMatch: '"abc"' })).rejects.toEqual(failure('PreconditionFailed', 412));
    await expect(get({ IfUnmodifiedSince: past })).rejects.toEqual(
      failure('PreconditionFailed', 412),
    );
    for (const unchanged of [{ IfNoneMatch: ETag }, { IfModifiedSince: future }]) {
      await expect(get(unchanged)).rejects.toMatchObject({ $metadata: { httpStatusCode: 304 } });
    }
  });

  it('hold for deletions', async () => {
    const { client } = await startWithBucket();
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    await expect(
      client.send(new DeleteObjectCommand({ Bucket, Key: 'k', IfMatch: '"abc"' })),
    ).rejects.toEqual(failure('PreconditionFailed', 412));
    expect(await readText(client, 'k')).toBe('x');
  });
});

describe('checksums', () => {
  it.each(['CRC32', 'CRC32C', 'SHA1', 'SHA256'] as const)(
    'of %s are verified, stored and returned',
    async (ChecksumAlgorithm) => {
      const { client } = await startWithBucket();
      const put = await client.send(
        new PutObjectCommand({ Bucket, Key: 'k', Body: '123456789', ChecksumAlgorithm }),
      );
      const field = `Checksum${ChecksumAlgorithm}` as const;
      const get = await client.send(
        new GetObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }),
      );
      expect(put[field]).toBeTypeOf('string');
      expect(get[field]).toBe(put[field]);
      expect(await get.Body?.transformToString()).toBe('123456789');
    },
  );

  const body = Buffer.from('hello');
  const zeroSha256 = Buffer.alloc(32).toString('base64');
  it.each([
    ['BadDigest', { 'x-amz-checksum-crc32': 'AAAAAA==' }],
    ['BadDigest', { 'x-amz-checksum-sha256': zeroSha256 }],
    ['BadDigest', { 'content-md5': Buffer.alloc(16).toString('base64') }],
    ['InvalidDigest', { 'content-md5': 'abc' }],
    ['InvalidRequest', { 'x-amz-checksum-crc32': 'short' }],
    ['InvalidRequest', { 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-sha256': zeroSha256 }],
    ['InvalidRequest', { 'x-amz-sdk-checksum-algorithm': 'SHA256' }],
    ['XAmzContentSHA256Mismatch', { 'x-amz-content-sha256': sha256('other') }],
    ['InvalidRequest', { 'x-amz-content-sha256': 'STREAMING-OTHER' }],
    ['NotImplemented', { 'x-amz-copy-source': '/box/other' }],
  ])('refuse a put with %s: %j', async (code, headers) => {
    const { client, endpoint, folder } = await startWithBucket();
    const request = { method: 'PUT', path: '/box/k', headers, body };
    expect((await sendRaw(endpoint, request)).code).toBe(code);
    await expect(readText(client, 'k')).rejects.toEqual(failure('NoSuchKey', 404));
    expect(await readdir(join(folder, '.berth/incoming'))).toEqual([]);
  });

  it('accept the digests of the bytes sent', async () => {
    const { endpoint } = await startWithBucket();
    const headers = {
      'x-amz-content-sha256': sha256(body),
      'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64'),
      'content-md5': createHash('md5').update(body).digest('base64'),
    };
    const request = { method: 'PUT', path: '/box/k', headers, body };
    expect((await sendRaw(endpoint, request)).status).toBe(200);
  });
});

describe('access', () => {
  it('is refused with a wrong secret, an unknown key, no signature, or a changed request', async () => {
    const { endpoint } = await startWithBucket();
    const thief = createTestClient(endpoint, 'wrong');
    await expect(thief.send(new ListBucketsCommand({}))).rejects.toEqual(
      failure('SignatureDoesNotMatch', 403),
    );
    thief.destroy();
    expect(await sendAsIs(endpoint, { method: 'GET', path: '/' })).toMatchObject({
      status: 403,
      code: 'AccessDenied',
    });
    const { headers } = signRequest(endpoint, { method: 'GET', path: '/box/a' });
    expect(await sendAsIs(endpoint, { method: 'GET', path: '/box/b', headers })).toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
    });
  });

  it('keeps paths inside the bucket', async () => {
    const { endpoint, folder } = await startWithBucket();
    for (const path of ['/box/..%2F..%2Fescape', '/..%2Fescape/k', '/.berth/incoming']) {
      await sendRaw(endpoint, { method: 'PUT', path, body: Buffer.from('x') });
    }
    expect((await readdir(folder)).sort()).toEqual(['.berth', 'box']);
    expect(await readdir(join(folder, '.berth/incoming'))).toEqual([]);
  });

  it('is refused to operations this server lacks', async () => {
    const { endpoint } = await startWithBucket();
    const { headers } = signRequest(endpoint, { method: 'PATCH', path: '/box/k' });
    expect((await sendAsIs(endpoint, { method: 'PATCH', path: '/box/k', headers })).status).toBe(
      405,
    );
    expect((await sendRaw(endpoint, { method: 'GET', path: '/box' })).code).toBe('NotImplemented');
  });
});

describe('broken connections', () => {
  it('leave nothing of a body that stops half-way', async () => {
    const { endpoint, folder, client } = await startWithBucket();
    const url = new URL(endpoint);
    const { headers } = signRequest(endpoint, { method: 'PUT', path: '/box/k' });
    const socket = connect(Number(url.port), url.hostname);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.write(`PUT /box/k HTTP/1.1\r\n${lines.join('\r\n')}\r\ncontent-length: 100\r\n\r\nhalf`);
    const incoming = join(folder, '.berth/incoming');
    await expect.poll(() => readdir(incoming)).toHaveLength(1);
    socket.destroy();
    await once(socket, 'close');
    await expect.poll(() => readdir(incoming)).toEqual([]);
    await expect(readText(client, 'k')).rejects.toEqual(failure('NoSuchKey', 404));
  });
});
