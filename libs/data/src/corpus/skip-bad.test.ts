import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chunksOf, corpusFolder, documentsOf, type Content } from '../testing/corpus-fixture.ts';
import { createCorpusTally, mergeCorpusTallies } from './corpus-tally.ts';

async function skimmed(
  files: Readonly<Record<string, Content>>,
): Promise<{ sentences: (readonly string[])[]; bad: unknown }> {
  const chunks = await chunksOf(await corpusFolder(files));
  await expect(documentsOf(chunks)).rejects.toMatchObject({ code: 'DATA_CORPUS_INVALID' });
  const tally = createCorpusTally();
  const documents = await documentsOf(chunks, { skipBad: true }, { tally });
  expect(tally.numBytes).toBe(
    chunks.flatMap(({ pieces }) => pieces).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  return { sentences: documents.map(({ sentences }) => sentences), bad: tally.bad };
}

describe('bad input that is passed over', () => {
  it('is counted, and the first of it is told: lines', async () => {
    const lines = ['One.', 'Caf\xe9.', 'Two.', '', '\xff', 'Three.'].join('\n');
    expect(await skimmed({ 'a.txt': Buffer.from(lines, 'latin1') })).toEqual({
      sentences: [['One.', 'Two.'], ['Three.']],
      bad: {
        numRecords: 2,
        numFiles: 0,
        first: [
          { name: 'a.txt', problem: expect.stringMatching(/^line 2 \(byte 5\) is not UTF-8/) },
          { name: 'a.txt', problem: expect.stringMatching(/^line 5 \(byte \d+\) is not UTF-8/) },
        ],
      },
    });
  });

  it('is counted, and the first of it is told: records', async () => {
    const secret = '{"password": "hunter2"';
    const bad = [secret, '[]', '{"text": 1}', '{"text": "x", "id": []}'];
    const { sentences, bad: found } = await skimmed({
      'a.jsonl': ['{"text": "One."}', ...bad, '{"text": "Two."}'].join('\n'),
      'b.csv': 'text,n\nThree.,1\nx\n"Four.",2\n',
    });
    expect(sentences).toEqual([['One.'], ['Two.'], ['Three.'], ['Four.']]);
    expect(found).toMatchObject({ numRecords: 5, numFiles: 0 });
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });

  it('is counted, and the first of it is told: files', async () => {
    const { sentences, bad } = await skimmed({
      'a.txt.gz': gzipSync('One.\n\n'.repeat(50_000)).subarray(0, -8),
      'b.parquet': 'PAR1',
      'c.csv': 'text\nOne.\n"Two',
      'd.txt': Buffer.from('\uFEFFUTF-32', 'utf16le').fill(0, 2, 4),
      'e.txt': 'Last.\n',
    });
    expect(bad).toEqual({
      numRecords: 0,
      numFiles: 4,
      first: [
        { name: 'a.txt.gz', problem: expect.stringContaining('is damaged: it ends too early') },
        { name: 'b.parquet', problem: expect.stringContaining('is not parquet') },
        { name: 'c.csv', problem: expect.stringContaining('line 3 is not CSV') },
        { name: 'd.txt', problem: expect.stringContaining('is UTF-32') },
      ],
    });
    expect(sentences).toEqual([['Last.']]);
  });

  it('is a text of two bytes a character as a whole, wherever it is damaged', async () => {
    const damaged = Buffer.from(`\ufeff${'One.\n\n'.repeat(400_000)}`, 'utf16le');
    damaged.writeUInt16LE(0xd800, damaged.length - 10);
    const { sentences, bad } = await skimmed({ 'a.txt': damaged, 'b.txt': 'Last.\n' });
    expect(sentences).toEqual([['Last.']]);
    expect(bad).toMatchObject({ numRecords: 0, numFiles: 1 });
  });

  it('is added up over chunks', async () => {
    const folder = await corpusFolder({ 'a.jsonl': '{\n'.repeat(50) });
    const tallies = [];
    for (const chunk of await chunksOf(join(folder, 'a.jsonl'), { chunkBytes: 20 })) {
      const tally = createCorpusTally();
      await documentsOf([chunk], { skipBad: true }, { tally });
      tallies.push(tally);
    }
    expect(tallies).toHaveLength(5);
    const { bad, numBytes } = mergeCorpusTallies(tallies);
    expect(bad).toMatchObject({ numRecords: 50, numFiles: 0 });
    expect(bad.first).toHaveLength(10);
    expect(bad.first[9]).toEqual({ name: 'a.jsonl', problem: expect.stringMatching(/^the line at byte 18 is not JSON/) });
    expect(numBytes).toBe(100);
  });

  it('is not a file that changes', async () => {
    const folder = await corpusFolder({ 'a.txt': 'One.\n' });
    const chunks = await chunksOf(folder);
    await corpusFolder({});
    const [chunk] = chunks;
    const pieces = chunk!.pieces.map((piece) => ({ ...piece, version: '1' }));
    await expect(documentsOf([{ pieces }], { skipBad: true })).rejects.toThrow('changed');
  });
});
