import { silentLogger } from '@berth/contracts';
import { expect, it, onTestFinished } from 'vitest';
import { startTestStore, testCredentials } from '../testing/fixtures.ts';
import type { S3ObjectStore } from './s3-object-store.ts';
import { createS3Source, type S3Source, type SourceObject } from './s3-source.ts';

async function start(): Promise<{ store: S3ObjectStore; source: S3Source }> {
  const { store, endpoint } = await startTestStore();
  const source = createS3Source(
    { endpoint, region: 'us-east-1', ...testCredentials },
    silentLogger,
  );
  onTestFinished(() => source.close());
  return { store, source };
}

async function listed(source: S3Source, place: string): Promise<SourceObject[]> {
  const objects: SourceObject[] = [];
  for await (const object of source.list(place)) objects.push(object);
  return objects;
}

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString();

it('lists what begins with a place, over pages', async () => {
  const { store, source } = await start();
  const names = Array.from({ length: 1005 }, (_, i) => `texts/${String(i).padStart(4, '0')}.txt`);
  for (let start = 0; start < names.length; start += 100)
    await Promise.all(
      names.slice(start, start + 100).map((name) => store.put(name, Buffer.from(name))),
    );
  await store.put('other.txt', Buffer.from('x'));
  const objects = await listed(source, 's3://box/team/texts/');
  expect(objects.map(({ place }) => place)).toEqual(names.map((name) => `s3://box/team/${name}`));
  expect(objects[0]).toMatchObject({ sizeBytes: 14, version: expect.stringMatching(/^"\w+"$/) });
  expect(await listed(source, 's3://box/team/texts/0007')).toHaveLength(1);
  expect(await listed(source, 's3://box/none')).toEqual([]);
});

it('reads stretches of an object as it was listed, and of no other', async () => {
  const { store, source } = await start();
  await store.put('a.txt', Buffer.from('0123456789'));
  const [object] = await listed(source, 's3://box/team/a.txt');
  expect(textOf(await source.read(object!, { start: 2, end: 5 }))).toBe('234');
  expect(textOf(await source.read(object!, { start: 0, end: 10 }))).toBe('0123456789');
  expect(textOf(await source.read(object!, { start: 4, end: 4 }))).toBe('');
  await store.put('a.txt', Buffer.from('abcdefghij'));
  expect(await source.read(object!, { start: 2, end: 5 })).toBeUndefined();
  await store.delete('a.txt');
  expect(await source.read(object!, { start: 2, end: 5 })).toBeUndefined();
});

it('names what is wrong with a bucket, a place or the keys', async () => {
  const { source } = await start();
  await expect(listed(source, 's3://missing/a')).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
  await expect(listed(source, 's3:///a')).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const { endpoint } = await startTestStore();
  const keys = { ...testCredentials, secretAccessKey: 'wrong' };
  const stranger = createS3Source({ endpoint, region: 'us-east-1', ...keys }, silentLogger);
  onTestFinished(() => stranger.close());
  await expect(listed(stranger, 's3://box/a')).rejects.toMatchObject({ code: 'STORE_REFUSED' });
});
