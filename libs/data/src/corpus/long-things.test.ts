import { describe, expect, it } from 'vitest';
import { chunksOf, corpusFolder, documentsOf } from '../testing/corpus-fixture.ts';
import { createCorpusTally } from './corpus-tally.ts';

const cut = 1 << 22;

async function read(
  name: string,
  content: string,
): Promise<{ ids: string[]; lengths: number[]; text: string; numCutDocuments: number }> {
  const tally = createCorpusTally();
  const documents = await documentsOf(await chunksOf(await corpusFolder({ [name]: content })), {}, { tally });
  return {
    ids: documents.map(({ id }) => id),
    lengths: documents.map(({ sentences }) => sentences.join('').length),
    text: documents.flatMap(({ sentences }) => sentences).join(' '),
    numCutDocuments: tally.numCutDocuments,
  };
}

describe('a long document', () => {
  it('without a space is cut between characters', async () => {
    const { ids, lengths, numCutDocuments } = await read('a.txt', `a${'😀'.repeat(cut / 2)}`);
    expect(ids).toEqual(['a.txt@0', 'a.txt@0#2']);
    expect(lengths).toEqual([cut - 1, 2]);
    expect(numCutDocuments).toBe(1);
  });

  it('of one sentence is cut where a word ends, the same in every format', async () => {
    const text = 'seven words that go on and on '.repeat(150_000).trim();
    const found = await read('a.txt', text);
    expect(found.lengths).toHaveLength(2);
    expect(found.lengths[0]).toBeGreaterThan(cut - 10);
    expect(found.text).toBe(text);
    const { lengths } = await read('a.jsonl', JSON.stringify({ text }));
    expect(lengths).toEqual(found.lengths);
  });

  it('is cut where a sentence ends', async () => {
    const text = 'It went on. It went on and on. '.repeat(150_000).trim();
    const { lengths, text: all } = await read('a.txt', text.replaceAll('on. It', 'on.\nIt'));
    expect(lengths).toHaveLength(2);
    expect(all).toBe(text);
  });
});
