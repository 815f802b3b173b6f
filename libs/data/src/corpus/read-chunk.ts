import type { CorpusChunk, CorpusConfig, CorpusTally } from '@berth/contracts';
import type { CorpusDocument } from './corpus-document.ts';
import { readJsonlDocuments } from './jsonl-documents.ts';
import { maxDocumentBytes } from './open-corpus.ts';
import type { CorpusObjects } from './sources/corpus-objects.ts';
import { readTxtDocuments } from './txt-documents.ts';

export interface ReadChunkOptions {
  readonly corpus: Pick<CorpusConfig, 'encoding' | 'sentenceMode'>;
  /** Where the corpus may be in buckets. */
  readonly s3?: CorpusObjects | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Counts on as documents are read. */
  readonly tally?: CorpusTally | undefined;
}

/**
 * The documents of a chunk, in order. Other chunks are read no further than their last document goes on.
 * @throws BerthError DATA_CORPUS_INVALID for what is no text, and when a piece is of another version at its open or close;
 * DATA_CORPUS_NOT_FOUND when one is gone; the signal's reason when aborted
 */
export async function* readChunk(
  { part, pieces }: CorpusChunk,
  { corpus: { encoding, sentenceMode }, signal, tally }: ReadChunkOptions,
): AsyncGenerator<CorpusDocument> {
  for (const piece of pieces) {
    const read = piece.format === 'txt' ? readTxtDocuments : readJsonlDocuments;
    const file = { ...piece, path: piece.place };
    const numEmptyBefore = tally?.numEmptyDocuments;
    let isBlank = true;
    for await (const document of read(file, sentenceMode, { signal, maxDocumentBytes, encoding, tally })) {
      isBlank = false;
      yield part === undefined ? document : { ...document, part };
    }
    // A file without text counts as one document without text, unless it has some of its own.
    if (isBlank && tally !== undefined && tally.numEmptyDocuments === numEmptyBefore)
      tally.numEmptyDocuments += 1;
  }
}
