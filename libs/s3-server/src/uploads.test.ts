import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  type CompletedPart,
  type CreateMultipartUploadCommandInput,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { startTestServer } from './testing/served-store.ts';

const Bucket = 'box';
const Key = 'big';
const partBytes = 5 * 2 ** 20;
const bodies: [Buffer, Buffer] = [randomBytes(partBytes), randomBytes(1000)];

async function startUpload(options: Partial<CreateMultipartUploadCommandInput> = {}): Promise<
  Awaited<ReturnType<typeof startTestServer>> & {
    UploadId: string;
    part: (PartNumber: number, Body: Buffer) => Promise<CompletedPart>;
    complete: (Parts: CompletedPart[], condition?: object) => Promise<unknown>;
    read: () => Promise<Buffer>;
  }
> {
  const server = await startTestServer();
  const { client } = server;
  await client.send(new CreateBucketCommand({ Bucket }));
  const created = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...options }));
  const UploadId = created.UploadId ?? '';
  return {
    ...server,
    UploadId,
    part: async (PartNumber, Body) => {
      const { ETag, ChecksumSHA256 } = await client.send(
        new UploadPartCommand({
          Bucket,
          Key,
          UploadId,
          PartNumber,
          Body,
          ...(options.ChecksumAlgorithm && { ChecksumAlgorithm: options.ChecksumAlgorithm }),
        }),
      );
      return { PartNumber, ETag, ...(ChecksumSHA256 !== undefined && { ChecksumSHA256 }) };
    },
    complete: (Parts, condition = {}) =>
      client.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts },
          ...condition,
        }),
      ),
    read: async () => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
  };
}

describe('a multipart upload', () => {
  it('becomes one object, seen only when complete, and is then forgotten', async () => {
    const { client, folder, UploadId, part, complete, read } = await startUpload();
    const parts = [await part(1, bodies[0]), await part(2, bodies[1])];
    await expect(read()).rejects.toMatchObject({ name: 'NoSuchKey' });
    const listed = await client.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    expect(listed.Parts).toMatchObject([
      { PartNumber: 1, Size: partBytes, ETag: parts[0]?.ETag },
      { PartNumber: 2, Size: 1000 },
    ]);
    const open = await client.send(new ListMultipartUploadsCommand({ Bucket }));
    expect(open.Uploads).toMatchObject([{ Key, UploadId }]);
    expect(await complete(parts)).toMatchObject({ ETag: expect.stringMatching(/-2"$/) as unknown });
    expect((await read()).equals(Buffer.concat(bodies))).toBe(true);
    expect(await readdir(join(folder, '.berth/uploads'))).toEqual([]);
    expect(await readdir(join(folder, '.berth/incoming'))).toEqual([]);
  });

  it('keeps a composite SHA-256 of its parts', async () => {
    const { part, complete } = await startUpload({ ChecksumAlgorithm: 'SHA256' });
    const parts = [await part(1, bodies[0]), await part(2, bodies[1])];
    expect(await complete(parts)).toMatchObject({
      ChecksumSHA256: expect.stringMatching(/=-2$/) as unknown,
      ChecksumType: 'COMPOSITE',
    });
  });

  it('keeps a CRC32 of the whole that equals that of a single put', async () => {
    const { client, part, complete } = await startUpload({
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    });
    const { ChecksumCRC32 } = await client.send(
      new PutObjectCommand({ Bucket, Key: 'single', Body: Buffer.concat(bodies) }),
    );
    const parts = [await part(1, bodies[0]), await part(2, bodies[1])];
    await expect(complete(parts, { ChecksumCRC32: 'AAAAAA==' })).rejects.toMatchObject({
      name: 'BadDigest',
    });
    expect(await complete(parts, { ChecksumCRC32 })).toMatchObject({ ChecksumCRC32 });
  });

  it('uses the last body uploaded for a part', async () => {
    const { part, complete, read } = await startUpload();
    const stale = await part(1, bodies[0]);
    const last = await part(1, bodies[1]);
    await expect(complete([stale])).rejects.toMatchObject({ name: 'InvalidPart' });
    await complete([last]);
    expect(await read()).toEqual(bodies[1]);
  });

  it('refuses a part unknown, out of order, too small, or with another checksum', async () => {
    const { part, complete } = await startUpload({ ChecksumAlgorithm: 'SHA256' });
    const [small, last] = [await part(1, bodies[1]), await part(2, bodies[1])];
    const wrongSum = { ...small, ChecksumSHA256: Buffer.alloc(32).toString('base64') };
    const refused: [CompletedPart[], string][] = [
      [[{ PartNumber: 3, ETag: '"abc"' }], 'InvalidPart'],
      [[{ ...small, ETag: '"abc"' }], 'InvalidPart'],
      [[wrongSum], 'InvalidPart'],
      [[last, small], 'InvalidPartOrder'],
      [[small, last], 'EntityTooSmall'],
    ];
    for (const [parts, name] of refused) {
      await expect(complete(parts)).rejects.toMatchObject({ name });
    }
    await complete([small]);
  });

  it('is gone after an abort', async () => {
    const { client, folder, UploadId, part, complete } = await startUpload();
    const first = await part(1, bodies[1]);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    expect(await readdir(join(folder, '.berth/uploads'))).toEqual([]);
    await expect(complete([first])).rejects.toMatchObject({ name: 'NoSuchUpload' });
    await expect(part(2, bodies[1])).rejects.toMatchObject({ name: 'NoSuchUpload' });
  });

  it('is completed once by twenty that race with If-None-Match', async () => {
    const { part, complete, read } = await startUpload();
    const parts = [await part(1, bodies[1])];
    const race = await Promise.allSettled(
      Array.from({ length: 20 }, () => complete(parts, { IfNoneMatch: '*' })),
    );
    expect(race.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await read()).toEqual(bodies[1]);
  });

  it('refuses to replace an object under If-None-Match, and stays open', async () => {
    const { client, part, complete, read } = await startUpload();
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'first' }));
    const parts = [await part(1, bodies[1])];
    await expect(complete(parts, { IfNoneMatch: '*' })).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    expect((await read()).toString()).toBe('first');
    await complete(parts);
    expect(await read()).toEqual(bodies[1]);
  });
});
