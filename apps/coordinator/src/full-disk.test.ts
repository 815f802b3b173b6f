import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createS3ObjectStore, type S3ObjectStore } from '@berth/checkpoint';
import { silentLogger } from '@berth/contracts';
import { startS3Server } from '@berth/s3-server';
import { smallDisk } from '@berth/testing';
import { afterAll, expect, it, onTestFinished } from 'vitest';

const testCredentials = { accessKeyId: 'test', secretAccessKey: 'secret' };
const mebibyte = 2 ** 20;
const disk = await smallDisk(24 * mebibyte);
afterAll(() => disk?.remove());

async function openEmptyStore(folder: string): Promise<S3ObjectStore> {
  const server = await startS3Server({ folder, ...testCredentials });
  const place = { endpoint: server.endpoint, region: 'us-east-1', bucket: 'box' };
  const parts = { multipartThresholdBytes: 6 * mebibyte, partSizeBytes: 5 * mebibyte };
  const store = createS3ObjectStore({ ...place, ...parts, ...testCredentials }, silentLogger);
  onTestFinished(async () => {
    store.close();
    await server.close();
  });
  await store.ensureBucket();
  return store;
}

// Who may not mount cannot try; how such an answer is told is tested beside the store.
it.skipIf(disk === undefined)(
  'of our own server says where there is no space, loses nothing, and goes on when there is',
  async () => {
    const folder = join(disk?.path ?? '', 's3');
    const store = await openEmptyStore(folder);
    const before = randomBytes(mebibyte);
    await store.put('kept', before);
    await writeFile(join(folder, 'filler'), Buffer.alloc(64 * mebibyte)).catch(() => undefined);
    const full = {
      code: 'STORE_FULL',
      message: expect.stringContaining(`${folder} (0 B of 25 MB free)`) as string,
    };
    // One that is sent whole, one of several parts, and one so small that only its record has no room.
    for (const numBytes of [4 * mebibyte, 11 * mebibyte, 1])
      await expect(store.put(`k${numBytes}`, randomBytes(numBytes))).rejects.toMatchObject(full);
    await expect(store.put('kept', randomBytes(mebibyte))).rejects.toMatchObject(full);
    expect(Buffer.compare(await store.get('kept'), before)).toBe(0);
    expect((await store.list('')).map(({ key }) => key)).toEqual(['kept']);

    await rm(join(folder, 'filler'));
    const after = randomBytes(11 * mebibyte);
    await store.put('kept', after);
    expect(Buffer.compare(await store.get('kept'), after)).toBe(0);
    expect(await store.listUploads('')).toEqual([]);
  },
);
