import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  codesOf,
  datasetBench,
  documents,
  type DatasetSettings,
} from '../testing/dataset-bench.ts';
import type { DatasetFlowJob, JobProgress } from '@berth/contracts';

const { write, prepare } = datasetBench();

describe('a dataset', () => {
  it('holds nothing out when told so, even of one document', async () => {
    const path = await write('one.txt', documents(1, 40));
    const manifest = await prepare(path, { corpus: { heldOutRatio: 0 } });
    expect(manifest.heldOutShards).toMatchObject([{ numDocuments: 0, numTokens: 0 }]);
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

  it.each(['survey', 'tokenise'])('is refused when a file grows before its %s', async (kind) => {
    const path = await write('growing.txt', documents(12));
    const onJob = (job: DatasetFlowJob): void => {
      if (job.kind === kind) appendFileSync(path, '\n\nOne more.\nAnd more.\n');
    };
    await expect(prepare(path, {}, { onJob })).rejects.toMatchObject({
      code: 'DATA_CORPUS_CHANGED',
      message: expect.stringContaining('changed') as string,
    });
  });

  it('is made by jobs that tell how far they are', async () => {
    const path = await write('told.txt', documents(14));
    const jobs: string[] = [];
    const told = new Map<string, JobProgress[]>();
    const onJob = ({ kind }: DatasetFlowJob): void => void jobs.push(kind);
    const onProgress = (progress: JobProgress): void => {
      const kind = jobs.at(-1)!;
      told.set(kind, [...(told.get(kind) ?? []), progress]);
    };
    const { health } = await prepare(path, {}, { onJob, onProgress });
    expect(jobs).toEqual([
      'inventory',
      'survey',
      'vocabulary',
      'tokenise',
      'split',
      'assemble',
      'assemble',
      'seal',
    ]);
    for (const kind of ['survey', 'tokenise']) {
      expect(told.get(kind)?.[0]).toEqual({ numBytes: 0, numDocuments: 0 });
      expect(told.get(kind)?.at(-1)).toEqual({ numBytes: health.numBytes, numDocuments: 14 });
    }
    const again: string[] = [];
    await prepare(path, {}, { onJob: ({ kind }) => again.push(kind) });
    expect(again).toEqual(['inventory']);
  });
});
