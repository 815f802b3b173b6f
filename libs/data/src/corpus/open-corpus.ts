import {
  BerthError,
  corpusPartsOf,
  type CorpusConfig,
  type CorpusPart,
  type CorpusTally,
  type LeftOut,
} from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { findCorpusFiles, maxNamed, type CorpusFile } from './corpus-files.ts';
import { readJsonlDocuments } from './jsonl-documents.ts';
import type { CorpusRoots } from './corpus-roots.ts';
import { readTxtDocuments } from './txt-documents.ts';

/** No line and no document may be longer: what a reader holds at most, and below the longest string of the runtime. */
export const maxDocumentBytes = 64 * 2 ** 20;

/** A corpus on disk. */
export interface Corpus {
  /** Sorted by name, in each part. */
  readonly files: readonly CorpusFile[];
  /** Of the files on disk. */
  readonly numBytes: number;
  /** What lies beside them and is not read. */
  readonly leftOut: LeftOut;
  /** Reads all documents, in the order of the files. Each call reads afresh. */
  documents(tally?: CorpusTally): AsyncGenerator<CorpusDocument>;
}

export interface OpenCorpusOptions {
  readonly signal?: AbortSignal;
  readonly roots?: CorpusRoots;
  /** What names the path to whoever is told of errors. @defaultValue `corpus.path` */
  readonly setting?: string;
}

type CorpusPlace = Pick<CorpusConfig, 'path' | 'parts' | 'sentenceMode'> &
  Partial<Pick<CorpusConfig, 'encoding'>>;

/**
 * Opens the corpus of a run; each `path` is a file, a folder or a glob, relative to the working directory. Names of files in a
 * part of it begin with the part's, which are read in the order of their names.
 *
 * @throws BerthError DATA_CORPUS_NOT_FOUND, DATA_CORPUS_EMPTY or DATA_CORPUS_INVALID, also while documents are read.
 */
export async function openCorpus(place: CorpusPlace, options: OpenCorpusOptions = {}): Promise<Corpus> {
  const parts: Corpus[] = [];
  for (const part of corpusPartsOf(place)) parts.push(await openPart(part, place, options));
  return {
    files: parts.flatMap(({ files }) => files),
    numBytes: parts.reduce((sum, { numBytes }) => sum + numBytes, 0),
    leftOut: {
      numEntries: parts.reduce((sum, { leftOut }) => sum + leftOut.numEntries, 0),
      first: parts.flatMap(({ leftOut }) => leftOut.first).slice(0, maxNamed),
    },
    async *documents(tally) {
      for (const part of parts) yield* part.documents(tally);
    },
  };
}

async function openPart(
  { name: part, path }: CorpusPart,
  { sentenceMode, encoding = 'auto' }: CorpusPlace,
  { signal, roots, setting = 'corpus.path' }: OpenCorpusOptions,
): Promise<Corpus> {
  const { files, leftOut } = await findCorpusFiles(path, { roots, setting });

  async function* documents(tally?: CorpusTally): AsyncGenerator<CorpusDocument> {
    const readOptions = { signal, maxDocumentBytes, encoding, tally };
    let isEmpty = true;
    for (const file of files) {
      const read = file.format === 'txt' ? readTxtDocuments : readJsonlDocuments;
      const numEmptyBefore = tally?.numEmptyDocuments;
      let isBlank = true;
      for await (const document of read(file, sentenceMode, readOptions)) {
        isBlank = false;
        yield part === undefined ? document : { ...document, part };
      }
      isEmpty &&= isBlank;
      // A file without text counts as one document without text, unless it has some of its own.
      if (isBlank && tally?.numEmptyDocuments === numEmptyBefore && tally !== undefined)
        tally.numEmptyDocuments += 1;
    }
    if (isEmpty) {
      throw new BerthError(
        'DATA_CORPUS_EMPTY',
        `corpus ${path} has no document: all ${files.length} files are blank; point ${setting} at text`,
        { details: { path } },
      );
    }
  }

  const numBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (part === undefined) return { files, numBytes, leftOut, documents };
  const inPart = <T extends { readonly name: string }>(entry: T): T => ({
    ...entry,
    name: `${part}/${entry.name}`,
  });
  return {
    files: files.map(inPart),
    numBytes,
    leftOut: { ...leftOut, first: leftOut.first.map(inPart) },
    documents,
  };
}
