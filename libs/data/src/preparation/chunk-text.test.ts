import { rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { datasetJobSchema, type CorpusTally, type ObjectStore } from '@berth/contracts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CorpusDocument } from '../corpus/corpus-document.ts';
import { createCorpusTally } from '../corpus/corpus-tally.ts';
import { corpusFolder } from '../testing/corpus-fixture.ts';
import { folderStore, temporaryFolder } from '../testing/example-fixture.ts';
import { readText } from './chunk-text.ts';
import { getPlan, surveyChunk } from './survey-chunk.ts';
import { takeInventory } from './take-inventory.ts';

/** Documents, one of them without a sentence. */
const files = {
  'a.jsonl': '{"id":"a1","text":"One. Two."}\n{"id":"a2","text":" "}\n{"id":"a3","text":null}\n',
  'b.txt': 'Three.\n\nFour.\n',
  'c.txt': 'Five.\n',
};

describe('the text of a chunk', () => {
  let [folder, planId] = ['', ''];
  let store: ObjectStore;

  async function read(roots: readonly string[] = []): Promise<[CorpusDocument[], CorpusTally]> {
    // A caller counts what it finds without tokens.
    const tally = { ...createCorpusTally(), numEmptyDocuments: 100 };
    const documents: CorpusDocument[] = [];
    const plan = await getPlan(store, planId);
    for await (const document of readText(store, plan, 0, { tally, roots }))
      documents.push(document);
    return [documents, tally];
  }

  beforeEach(async () => {
    folder = await corpusFolder(files);
    store = folderStore(temporaryFolder());
    const request = datasetJobSchema.parse({
      kind: 'dataset',
      runId: 'r',
      corpus: { path: folder },
      vocabulary: {},
      numShards: 1,
      seed: 1,
      askedAtMs: 0,
    });
    ({ planId } = await takeInventory(request, store));
  });

  it.each<[string, () => Promise<unknown>]>([
    ['has none of it', () => rm(folder, { recursive: true })],
    ['lacks a file', () => rm(join(folder, 'b.txt'))],
    ['has a copy with another time', () => utimes(join(folder, 'c.txt'), 1, 1)],
    ['has another file', () => writeFile(join(folder, 'b.txt'), 'Six.\n')],
  ])('is the same to the byte of counts where a machine %s', async (_, change) => {
    const seen = await read();
    await surveyChunk({ kind: 'survey', runId: 'r', planId, chunk: 0, keepsText: true }, store);
    await change();
    expect(await read()).toEqual(seen);
  });

  it('is not read outside the roots of whoever reads, wherever it was listed', async () => {
    await expect(read(['/nowhere'])).rejects.toMatchObject({
      code: 'DATA_CORPUS_NOT_FOUND',
      message: expect.stringContaining('is not below /nowhere') as string,
    });
    await surveyChunk({ kind: 'survey', runId: 'r', planId, chunk: 0, keepsText: true }, store);
    expect(await read(['/nowhere'])).toEqual(await read([folder]));
    await expect(
      surveyChunk({ kind: 'survey', runId: 'r', planId, chunk: 0, words: 'cased' }, store, {
        roots: ['/nowhere'],
      }),
    ).resolves.toMatchObject({ numDocuments: 4 });
  });
});
