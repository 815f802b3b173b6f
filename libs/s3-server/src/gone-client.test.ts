import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { silentLogger } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { startS3Server } from './server.ts';
import { createTestClient } from './testing/served-store.ts';

const Bucket = 'box';
const Key = 'large';

it('takes a client that leaves while it is answered for no error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-gone-'));
  const said = { debug: [] as string[], error: [] as string[] };
  const logger = {
    ...silentLogger,
    error: (message: string) => void said.error.push(message),
    debug: (message: string) => void said.debug.push(message),
  };
  const key = { accessKeyId: 'test-key', secretAccessKey: 'secret' };
  const server = await startS3Server({ folder, ...key, logger });
  const client = createTestClient(server.endpoint, key.secretAccessKey);
  onTestFinished(async () => {
    client.destroy();
    await server.close();
    await rm(folder, { recursive: true });
  });
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(32 * 2 ** 20) }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
  (Body as Readable).destroy();
  await expect.poll(() => [...said.debug, ...said.error]).toContainEqual('client went away');
  expect(said.error).toEqual([]);
});

it('keeps no file open for clients that leave before they are answered', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-gone-'));
  const key = { accessKeyId: 'test-key', secretAccessKey: 'secret' };
  const server = await startS3Server({ folder, ...key });
  const client = createTestClient(server.endpoint, key.secretAccessKey);
  onTestFinished(async () => {
    client.destroy();
    await server.close();
    await rm(folder, { recursive: true });
  });
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(2 ** 20) }));
  // All but the first still stand in line for the bucket when they leave.
  const leaving = new AbortController();
  const impatient = Array.from({ length: 200 }, async () => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), {
      abortSignal: leaving.signal,
    });
    leaving.abort();
    (Body as Readable).on('error', () => undefined).destroy();
  });
  await Promise.allSettled(impatient);
  await expect.poll(() => openFilesIn(folder)).toEqual([]);
});

function openFilesIn(folder: string): string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(folder));
}
