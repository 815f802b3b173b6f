import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  codesOf,
  datasetBench,
  documents,
  type DatasetSettings,
} from '../testing/dataset-bench.ts';
import type { PrepareProgress } from './prepare-dataset.ts';

const { write, prepare } = datasetBench();

describe('a dataset', () => {
  it('holds nothing out when told so, even of one document', async () => {
    const path = await write('one.txt', documents(1, 40));
    const manifest = await prepare(path, { corpus: { heldOutRatio: 0 } });
    expect(manifest.heldOut).toMatchObject({ numDocuments: 0, numTokens: 0 });
    expect(codesOf(manifest)).toEqual([]);
    await expect(prepare(path)).rejects.toMatchObject({
      code: 'DATA_CORPUS_EMPTY',
      message: expect.stringContaining('corpus.heldOutRatio: 0') as string,
    });
  });

  it('is another for other bytes, encodings and vocabularies', async () => {
    const path = await write('same.txt', documents(12));
    const idOf = async (settings?: DatasetSettings): Promise<string> =>
      (await prepare(path, settings)).datasetId;
    const first = await idOf();
    expect(await idOf()).toBe(first);
    const ids = [
      first,
      await idOf({ corpus: { encoding: 'utf-8' } }),
      await idOf({ corpus: { encoding: 'windows-1252' } }),
      await idOf({ vocabulary: { size: 90 } }),
    ];
    await write('same.txt', documents(12).replace('The', 'A'));
    ids.push(await idOf());
    expect(new Set(ids).size).toBe(5);
  });

  it.each(['latin1', 'utf-16le', 'windows-1252'])(
    'reads %s where it is said to be',
    async (encoding) => {
      const text = documents(12).replaceAll('do', 'dô');
      const bytes = Buffer.from(text, encoding === 'utf-16le' ? 'utf16le' : 'latin1');
      const plain = await prepare(await write('plain.txt', text));
      const other = await prepare(await write('other.txt', bytes), { corpus: { encoding } });
      expect(other.vocabulary.sha256).toBe(plain.vocabulary.sha256);
      expect(other.health.numSentences).toBe(plain.health.numSentences);
    },
  );

  it.each(['counting words', 'tokenising'])(
    'is refused when a file grows while %s',
    async (activity) => {
      const path = await write('growing.txt', documents(12));
      let isGrown = false;
      const onProgress = (progress: PrepareProgress): void => {
        if (isGrown || progress.activity !== activity || progress.numBytesRead === 0) return;
        isGrown = true;
        appendFileSync(path, '\n\nOne more.\nAnd more.\n');
      };
      await expect(prepare(path, {}, { onProgress })).rejects.toMatchObject({
        code: 'DATA_CORPUS_INVALID',
        message: expect.stringContaining('changed while it was read') as string,
      });
    },
  );

  it('tells how far it is', async () => {
    const seen: PrepareProgress[] = [];
    await prepare(
      await write('told.txt', documents(14)),
      {},
      { onProgress: (progress) => seen.push(progress) },
    );
    const passes = ['counting words', 'tokenising'] as const;
    for (const pass of passes) {
      const ofPass = seen.filter(({ activity }) => activity === pass);
      expect(ofPass[0]?.numBytesRead).toBe(0);
      expect(ofPass.at(-1)?.numBytesRead).toBe(ofPass.at(-1)?.numBytes);
      expect(ofPass).toHaveLength(15);
    }
    const activities = new Set(seen.map(({ activity }) => activity));
    expect([...activities]).toEqual([
      'hashing the files',
      'counting words',
      'making the vocabulary',
      'tokenising',
    ]);
    const hashed = seen.filter(({ activity }) => activity === 'hashing the files');
    expect(hashed[0]?.numBytesRead).toBe(0);
    expect(hashed.at(-1)?.numBytesRead).toBe(hashed.at(-1)?.numBytes);
  });
});
