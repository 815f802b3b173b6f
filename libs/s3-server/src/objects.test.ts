import { readdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commitObject, deleteObject, findObject, listKeys, openObject } from './objects.ts';
import {
  createBucket,
  incomingPath,
  metadataPath,
  objectPath,
  openStorage,
  type Storage,
} from './storage.ts';
import { temporaryFolder } from './testing/served-store.ts';

const always = (): void => {};

async function bucketStorage(): Promise<Storage> {
  const storage = await openStorage(await temporaryFolder());
  await createBucket(storage, 'box');
  return storage;
}

async function put(storage: Storage, key: string, text: string): Promise<void> {
  const path = incomingPath(storage);
  await writeFile(path, text);
  await commitObject(storage, 'box', key, path, { etag: `etag-${text}`, headers: {} }, always);
}

async function read(storage: Storage, key: string): Promise<{ text: string; etag: string }> {
  const { handle, version } = await openObject(storage, 'box', key);
  const text = await handle.readFile('utf8');
  await handle.close();
  return { text, etag: version.etag };
}

describe('objects', () => {
  it('are plain files under their keys', async () => {
    const storage = await bucketStorage();
    await put(storage, 'runs/a/manifest.json', '{}');
    expect(await readFile(join(storage.folder, 'box/runs/a/manifest.json'), 'utf8')).toBe('{}');
  });

  it('are wholly old when a crash comes before the data file is renamed', async () => {
    const storage = await bucketStorage();
    await put(storage, 'k', 'old');
    const oldPath = objectPath(storage, 'box', 'k');
    const kept = join(storage.folder, 'kept');
    const { mtimeMs } = await stat(oldPath);
    await writeFile(kept, 'old');
    await utimes(kept, mtimeMs / 1000, mtimeMs / 1000);
    await put(storage, 'k', 'new');
    // The state between the two renames: metadata of both versions, data of the old one.
    await rename(kept, oldPath);
    const reopened = await openStorage(storage.folder);
    expect(await read(reopened, 'k')).toEqual({ text: 'old', etag: 'etag-old' });
    await put(reopened, 'k', 'new');
    expect(await read(reopened, 'k')).toEqual({ text: 'new', etag: 'etag-new' });
  });

  it('keep versions of equal size written at once apart', async () => {
    const storage = await bucketStorage();
    for (let round = 0; round < 20; round++) {
      const text = String(round).padStart(3, '0');
      await put(storage, 'k', text);
      expect(await read(storage, 'k')).toEqual({ text, etag: `etag-${text}` });
    }
  });

  it('forget half-received bodies when reopened', async () => {
    const storage = await bucketStorage();
    await writeFile(incomingPath(storage), 'half');
    await openStorage(storage.folder);
    expect(await readdir(join(storage.folder, '.berth/incoming'))).toEqual([]);
  });

  it('include files that came into the folder by other means', async () => {
    const storage = await bucketStorage();
    await writeFile(join(storage.folder, 'box/corpus.txt'), 'hello');
    expect(await listKeys(storage, 'box', '')).toEqual(['corpus.txt']);
    expect((await read(storage, 'corpus.txt')).text).toBe('hello');
  });

  it('leave no empty folder and no metadata behind when deleted', async () => {
    const storage = await bucketStorage();
    await put(storage, 'a/b/c', '1');
    await put(storage, 'a/d', '2');
    await deleteObject(storage, 'box', 'a/b/c', always);
    expect(await readdir(join(storage.folder, 'box/a'))).toEqual(['d']);
    await deleteObject(storage, 'box', 'a/d', always);
    expect(await readdir(join(storage.folder, 'box'))).toEqual([]);
    await expect(stat(metadataPath(storage, 'box', 'a/d'))).rejects.toThrow('ENOENT');
    await deleteObject(storage, 'box', 'a/d', always);
  });

  it('refuse a key that would be a folder of another', async () => {
    const storage = await bucketStorage();
    await put(storage, 'a/b', '1');
    const conflict = expect.objectContaining({ code: 'KeyConflict' });
    await expect(put(storage, 'a', '2')).rejects.toThrow(conflict);
    await expect(put(storage, 'a/b/c', '2')).rejects.toThrow(conflict);
    expect(await findObject(storage, 'box', 'a')).toBeUndefined();
    expect((await read(storage, 'a/b')).text).toBe('1');
  });

  it('are listed in the order of their UTF-8 bytes', async () => {
    const storage = await bucketStorage();
    const keys = ['a', 'a-b', 'b/c', 'b/d/', '\uffff', '\u{10000}'];
    for (const key of [...keys].reverse()) await put(storage, key, 'x');
    expect(await listKeys(storage, 'box', '')).toEqual(keys);
    expect(await listKeys(storage, 'box', 'b/d')).toEqual(['b/d/']);
    expect(await listKeys(storage, 'box', 'missing/')).toEqual([]);
  });
});
