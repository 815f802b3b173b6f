import { BerthError, silentLogger, type CorpusConfig, type Logger } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { findCorpusFiles, type CorpusFile } from './corpus-files.ts';
import { readJsonlDocuments } from './jsonl-documents.ts';
import { readTxtDocuments } from './txt-documents.ts';

/** No line and no document may be longer: what a reader holds at most, and below the longest string of the runtime. */
export const maxDocumentBytes = 64 * 2 ** 20;

export interface OpenCorpusOptions {
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

/** A corpus on disk. */
export interface Corpus {
  /** Sorted by name. */
  readonly files: readonly CorpusFile[];
  /** Reads all documents, in the order of the files. Each call reads afresh. */
  documents(): AsyncGenerator<CorpusDocument>;
}

/**
 * Opens the corpus of a run; `path` is a file, a folder or a glob, relative to the working directory.
 *
 * @throws BerthError DATA_CORPUS_NOT_FOUND, DATA_CORPUS_EMPTY or DATA_CORPUS_INVALID, also while documents are read.
 */
export async function openCorpus(
  { path, sentenceMode }: Pick<CorpusConfig, 'path' | 'sentenceMode'>,
  { logger = silentLogger, signal }: OpenCorpusOptions = {},
): Promise<Corpus> {
  const files = await findCorpusFiles(path, logger);
  const readOptions = { signal, maxDocumentBytes };

  async function* documents(): AsyncGenerator<CorpusDocument> {
    let numDocuments = 0;
    let numSentences = 0;
    for (const file of files) {
      const read = file.format === 'txt' ? readTxtDocuments : readJsonlDocuments;
      for await (const document of read(file, sentenceMode, readOptions)) {
        numDocuments += 1;
        numSentences += document.sentences.length;
        yield document;
      }
    }
    if (numDocuments === 0) {
      throw new BerthError(
        'DATA_CORPUS_EMPTY',
        `corpus ${path} has no document: all ${files.length} files are blank; point corpus.path at text`,
        { details: { path } },
      );
    }
    if (numDocuments > 1 && numSentences === numDocuments) {
      logger.warn(
        'every document of the corpus has one sentence, so next sentences are always random: ' +
          'leave blank lines only between documents, or set corpus.sentenceMode',
        { path, numDocuments },
      );
    }
  }

  return { files, documents };
}
