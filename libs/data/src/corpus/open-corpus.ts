import {
  BerthError,
  corpusPartsOf,
  type CorpusConfig,
  type CorpusPiece,
  type CorpusTally,
  type LeftOut,
} from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { findCorpusChunks, type FindChunksOptions } from './find-corpus-chunks.ts';
import { readChunk } from './read-chunk.ts';
import { defaultReading, type ReadingSettings } from './reading.ts';

/** A corpus that is read as a whole. */
export interface Corpus {
  /** Sorted by part and name. */
  readonly files: readonly CorpusPiece[];
  /** Of the files as they lie there, compressed or not. */
  readonly numBytes: number;
  /** What lies beside them and is not read. */
  readonly leftOut: LeftOut;
  /** Reads all documents, in the order of the files. Each call reads afresh. */
  documents(tally?: CorpusTally): AsyncGenerator<CorpusDocument>;
}

export interface OpenCorpusOptions extends Omit<FindChunksOptions, 'chunkBytes'> {
  readonly signal?: AbortSignal | undefined;
}

type CorpusPlace = Pick<CorpusConfig, 'path' | 'parts'> & Partial<ReadingSettings>;

/**
 * Opens the corpus of a run; each `path` is a file, a folder or a glob, relative to the working directory. Names of files in a
 * part of it begin with the part's, which are read in the order of their names.
 *
 * @throws BerthError DATA_CORPUS_NOT_FOUND, DATA_CORPUS_EMPTY or DATA_CORPUS_INVALID, also while documents are read.
 */
export async function openCorpus(
  place: CorpusPlace,
  { signal, ...options }: OpenCorpusOptions = {},
): Promise<Corpus> {
  const { chunks, ...listing } = await findCorpusChunks(place, { ...options, chunkBytes: Infinity });
  const corpus = { ...defaultReading, ...place };
  return {
    ...listing,
    files: chunks.flatMap(({ pieces }) => pieces),
    async *documents(tally) {
      const empty = new Set(chunks.map(({ part }) => part));
      for (const chunk of chunks) {
        for await (const document of readChunk(chunk, { ...options, corpus, signal, tally })) {
          empty.delete(chunk.part);
          yield document;
        }
      }
      for (const { name, path } of corpusPartsOf(place))
        if (empty.has(name))
          throw new BerthError(
            'DATA_CORPUS_EMPTY',
            `corpus ${path} has no document: all its files are blank; point ${options.setting ?? 'corpus.path'} at text`,
            { details: { path } },
          );
    },
  };
}
