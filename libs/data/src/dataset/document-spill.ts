import { appendFile, readFile } from 'node:fs/promises';
import {
  addDocument,
  encodeDocument,
  encodeDocumentHeader,
  type DocumentCounts,
} from './document-shard.ts';
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
