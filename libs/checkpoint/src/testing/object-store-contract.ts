import type { ObjectStore } from '@berth/contracts';
import { describe, expect, it } from 'vitest';

/** A fresh, empty store, and a way to leave an upload to it unfinished, as a process that is killed does. */
export interface OpenedStore {
  readonly store: ObjectStore;
  readonly leaveUpload: (key: string) => Promise<void>;
}

/** What every adapter of the ObjectStore port must do. */
export function describeObjectStore(
  name: string,
  openWithUploads: () => Promise<OpenedStore>,
): void {
  const open = async (): Promise<ObjectStore> => (await openWithUploads()).store;
  const text = (content: string): Uint8Array => Buffer.from(content);
  const missing = expect.objectContaining({ code: 'STORE_NOT_FOUND' });

  describe(`${name} as an object store`, () => {
    it('gives back what was put, whole, and the last that was put', async () => {
      const store = await open();
      expect(await store.put('a/b', text('one'))).toBe('written');
      expect(await store.put('a/b', text('two!'))).toBe('written');
      expect(Buffer.from(await store.get('a/b')).toString()).toBe('two!');
    });

    it('holds objects of no bytes', async () => {
      const store = await open();
      await store.put('empty', new Uint8Array());
      expect(await store.get('empty')).toHaveLength(0);
      expect(await store.head('empty')).toMatchObject({ key: 'empty', sizeBytes: 0 });
    });

    it('takes nothing into memory that is larger than asked for', async () => {
      const store = await open();
      await store.put('k', text('12345'));
      await store.put('large', Buffer.alloc(16 * 2 ** 20 + 1));
      expect(Buffer.from(await store.get('k', { maxBytes: 5 })).toString()).toBe('12345');
      const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });
      await expect(store.get('k', { maxBytes: 4 })).rejects.toThrow(corrupt);
      await expect(store.get('large')).rejects.toThrow(corrupt);
      expect(await store.get('large', { maxBytes: 2 ** 25 })).toHaveLength(16 * 2 ** 20 + 1);
      expect(await store.put('k', text('1'), { ifAbsent: true })).toBe('exists');
    });

    it('gives stretches of what is stored, and none that is not there', async () => {
      const store = await open();
      await store.put('k', text('0123456789'));
      const stretch = async (start: number, end: number): Promise<string> =>
        Buffer.from(await store.get('k', { range: [start, end] })).toString();
      expect(await stretch(0, 10)).toBe('0123456789');
      expect(await stretch(3, 5)).toBe('34');
      expect(await stretch(9, 10)).toBe('9');
      expect(await stretch(4, 4)).toBe('');
      const corrupt = expect.objectContaining({ code: 'STORE_CORRUPT' });
      await expect(stretch(8, 11)).rejects.toThrow(corrupt);
      await expect(stretch(10, 11)).rejects.toThrow(corrupt);
      await expect(store.get('none', { range: [0, 1] })).rejects.toThrow(missing);
    });

    it('takes a stream, small or large, whole or not at all', async () => {
      const store = await open();
      const pieces = Array.from({ length: 70 }, (_, piece) => Buffer.alloc(2 ** 19 + piece, piece));
      async function* stream(count: number): AsyncGenerator<Uint8Array> {
        yield* pieces.slice(0, count);
      }
      for (const count of [0, 1, 70]) {
        const whole = Buffer.concat(pieces.slice(0, count));
        expect(await store.putStream('k', stream(count))).toBe(whole.length);
        const stored = await store.get('k', { maxBytes: whole.length });
        expect(Buffer.compare(stored, whole)).toBe(0);
      }
      async function* torn(): AsyncGenerator<Uint8Array> {
        yield* pieces;
        throw new Error('torn');
      }
      await expect(store.putStream('torn', torn())).rejects.toThrow('torn');
      expect(await store.head('torn')).toBeUndefined();
      expect(await store.listUploads('')).toEqual([]);
    });

    it('takes a view into a larger buffer', async () => {
      const store = await open();
      await store.put('view', text('0123456789').subarray(3, 6));
      expect(Buffer.from(await store.get('view')).toString()).toBe('345');
    });

    it('tells size and time without reading, and that nothing is there', async () => {
      const store = await open();
      const beforeMs = Math.floor(Date.now() / 1000) * 1000;
      await store.put('k', text('1234'));
      const info = await store.head('k');
      expect(info).toMatchObject({ key: 'k', sizeBytes: 4 });
      expect(info?.lastModifiedMs).toBeGreaterThanOrEqual(beforeMs);
      expect(await store.head('none')).toBeUndefined();
      await expect(store.get('none')).rejects.toThrow(missing);
    });

    it('lists everything below a prefix in key order', async () => {
      const store = await open();
      for (const key of ['b/2', 'a', 'b/10', 'c/1']) {
        await store.put(key, text(key));
      }
      expect((await store.list('b/')).map(({ key }) => key)).toEqual(['b/10', 'b/2']);
      expect(await store.list('')).toMatchObject([
        { key: 'a', sizeBytes: 1 },
        { key: 'b/10', sizeBytes: 4 },
        { key: 'b/2', sizeBytes: 3 },
        { key: 'c/1', sizeBytes: 3 },
      ]);
      expect(await store.list('none/')).toEqual([]);
    });

    it('deletes, also what is not there', async () => {
      const store = await open();
      await store.put('k', text('1'));
      await store.delete('k');
      await store.delete('k');
      expect(await store.head('k')).toBeUndefined();
    });

    it('deletes many, whatever they are called, those that are not there too, and no others', async () => {
      const store = await open();
      const keys = Array.from({ length: 1_001 }, (_, index) => `d/${index} <&"'>.bin`);
      const some = [keys[0]!, keys[999]!, keys[1_000]!];
      for (const key of [...some, 'd/kept']) await store.put(key, text('1'));
      await store.deleteAll(keys);
      expect((await store.list('')).map(({ key }) => key)).toEqual(['d/kept']);
      await store.deleteAll([]);
      await expect(
        store.deleteAll(['d/kept'], { signal: AbortSignal.abort(new Error('enough')) }),
      ).rejects.toThrow('enough');
      expect(await store.head('d/kept')).toBeDefined();
    });

    it('under ifAbsent keeps the first, and says written for the same bytes', async () => {
      const store = await open();
      const ifAbsent = { ifAbsent: true };
      expect(await store.put('k', text('first'), ifAbsent)).toBe('written');
      expect(await store.put('k', text('other'), ifAbsent)).toBe('exists');
      expect(await store.put('k', text('first'), ifAbsent)).toBe('written');
      expect(Buffer.from(await store.get('k')).toString()).toBe('first');
    });

    it('under ifAbsent lets one of twenty racers win', async () => {
      const store = await open();
      const race = await Promise.all(
        Array.from({ length: 20 }, (_, racer) =>
          store.put('k', text(`racer ${racer}`), { ifAbsent: true }),
        ),
      );
      const winner = race.indexOf('written');
      expect(race.filter((outcome) => outcome === 'written')).toHaveLength(1);
      expect(Buffer.from(await store.get('k')).toString()).toBe(`racer ${winner}`);
    });

    it('tells of uploads that nobody finished, and gives them up', async () => {
      const { store, leaveUpload } = await openWithUploads();
      const beforeMs = Math.floor(Date.now() / 1000) * 1000;
      for (const key of ['a/1', 'a/2', 'b']) await leaveUpload(key);
      const [first, ...others] = await store.listUploads('a/');
      expect(others).toMatchObject([{ key: 'a/2' }]);
      expect(first?.key).toBe('a/1');
      expect(first?.startedAtMs).toBeGreaterThanOrEqual(beforeMs);
      if (first === undefined) throw new Error('no upload');
      await store.abortUpload(first);
      await store.abortUpload(first);
      expect((await store.listUploads('')).map(({ key }) => key)).toEqual(['a/2', 'b']);
      expect(await store.list('')).toEqual([]);
    });

    it('stops when told to, with the reason', async () => {
      const store = await open();
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(store.put('k', text('1'), { signal })).rejects.toThrow('enough');
      await expect(store.get('k', { signal })).rejects.toThrow('enough');
      await expect(store.list('', { signal })).rejects.toThrow('enough');
      await expect(store.delete('k', { signal })).rejects.toThrow('enough');
      expect(await store.head('k')).toBeUndefined();
    });
  });
}
