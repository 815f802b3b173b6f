import { rm } from 'node:fs/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { putNamedDocuments, readCorpusOrder, readNamedDocuments } from './document-names.ts';
import { putPart } from './stored-part.ts';

const folder = temporaryFolder();
afterAll(() => rm(folder, { recursive: true }));
const store = folderStore(folder);

describe('names of documents', () => {
  it('come with the places that these have in the corpus, forgotten ones too', async () => {
    const documents = [
      { name: 'b.txt:1', place: [10, 0] },
      { name: 'a.txt:9', place: [9, 11] },
      { name: null, place: [0, 3] },
      { name: 'a.txt:8', place: [9, 2] },
    ] as const;
    const names = await putNamedDocuments(store, 'names', documents);
    const part = { names, numDocuments: 4 };
    expect(await readNamedDocuments(store, part)).toEqual(documents);
    expect(await readCorpusOrder(store, part, 4)).toEqual(Uint32Array.of(2, 3, 1, 0));
    expect(await readCorpusOrder(store, part, 2)).toEqual(Uint32Array.of(1, 0));
  });

  it('are read without places where a release had none', async () => {
    const names = await putPart(store, 'plain', Buffer.from('"a.txt:1"\nnull\n'));
    const part = { names, numDocuments: 2 };
    expect(await readNamedDocuments(store, part)).toEqual([{ name: 'a.txt:1' }, { name: null }]);
    expect(await readCorpusOrder(store, part, 2)).toBeUndefined();
    expect(await readCorpusOrder(store, { numDocuments: 2 }, 2)).toBeUndefined();
  });

  it.each(['["a",0]', '["a",0,-1]', '["a","0",1]', '[1,0,1]', '{}', '"a', '"a"\n"b"'])(
    'are refused when a line is %j',
    async (line) => {
      const names = await putPart(store, `bad-${line.length}-${line}`, Buffer.from(`${line}\n`));
      await expect(readNamedDocuments(store, { names, numDocuments: 1 })).rejects.toMatchObject({
        code: 'DATA_SHARD_CORRUPT',
      });
    },
  );
});
