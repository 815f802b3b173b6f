import { appendFile, readFile } from 'node:fs/promises';
import type { DocumentCounts } from './document-shard.ts';
import type { TokenSentences } from './token-documents.ts';

const flushBytes = 64 * 1024;

/** A document shard in the making, kept in a file so that memory stays bounded however large the corpus is. */
export class DocumentSpill {
  readonly counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  readonly #path: string;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  /** @param path - of a file that does not exist yet */
  constructor(path: string) {
    this.#path = path;
    this.#add(encodeDocumentHeader(this.counts));
  }

  /** Sentences must not be empty. */
  async append(sentences: TokenSentences): Promise<void> {
    addDocument(this.counts, sentences);
    this.#add(encodeDocument(sentences));
    if (this.#pendingBytes >= flushBytes) await this.#flush();
  }

  /** The whole shard. */
  async finish(): Promise<Uint8Array> {
    await this.#flush();
    const bytes = await readFile(this.#path);
    bytes.set(encodeDocumentHeader(this.counts));
    return bytes;
  }

  #add(bytes: Uint8Array): void {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  async #flush(): Promise<void> {
    await appendFile(this.#path, Buffer.concat(this.#pending));
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}

/** One document as a shard record. Sentences must not be empty; ids must be below 65,536. */
function encodeDocument(sentences: TokenSentences): Uint8Array {
  const numTokens = sentences.reduce((sum, sentence) => sum + sentence.length, 0);
  const lengthWords = 1 + sentences.length;
  const record = new Uint8Array(4 * (lengthWords + Math.ceil(numTokens / 2)));
  const lengths = new Uint32Array(record.buffer, 0, lengthWords);
  const tokens = new Uint16Array(record.buffer, 4 * lengthWords);
  lengths[0] = sentences.length;
  let offset = 0;
  for (const [index, sentence] of sentences.entries()) {
    lengths[index + 1] = sentence.length;
    tokens.set(sentence, offset);
    offset += sentence.length;
  }
  return record;
}

/** The header that goes before the records. */
function encodeDocumentHeader(counts: DocumentCounts): Uint8Array {
  const { numDocuments, numSentences, numTokens } = counts;
  const words = [0x7472_6562, 0x636f_642d, 1, numDocuments, numSentences, numTokens, 0, 0];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** Counts one more document. */
function addDocument(counts: DocumentCounts, sentences: TokenSentences): void {
  counts.numDocuments += 1;
  counts.numSentences += sentences.length;
  for (const sentence of sentences) counts.numTokens += sentence.length;
}
