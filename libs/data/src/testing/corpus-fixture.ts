import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CorpusChunk, CorpusPiece } from '@berth/contracts';
import type { CorpusDocument } from '../corpus/corpus-document.ts';
import { findCorpusChunks, type FindChunksOptions } from '../corpus/find-corpus-chunks.ts';
import { defaultReading } from '../corpus/reading.ts';
import { readChunk, type ReadChunkOptions } from '../corpus/read-chunk.ts';
import { temporaryFolder } from './example-fixture.ts';

export type Content = string | Uint8Array;

/** A folder with these files, which goes with the test. */
export async function corpusFolder(files: Readonly<Record<string, Content>>): Promise<string> {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  return folder;
}

export type CorpusSettings = Partial<ReadChunkOptions['corpus']>;

/** The documents of chunks, one after the other. */
export async function documentsOf(
  chunks: readonly CorpusChunk[],
  settings: CorpusSettings = {},
  options: Omit<ReadChunkOptions, 'corpus'> = {},
): Promise<CorpusDocument[]> {
  const corpus = { ...defaultReading, ...settings };
  const documents: CorpusDocument[] = [];
  for (const chunk of chunks)
    for await (const document of readChunk(chunk, { ...options, corpus })) documents.push(document);
  return documents;
}

export async function chunksOf(
  path: string,
  options?: FindChunksOptions,
): Promise<readonly CorpusChunk[]> {
  return (await findCorpusChunks({ path }, options)).chunks;
}

/** The only file of a corpus, whole. */
export async function pieceOf(path: string): Promise<CorpusPiece> {
  const [chunk] = await chunksOf(path, { chunkBytes: Infinity });
  return chunk!.pieces[0]!;
}
