import { BerthError } from '@berth/contracts';
import type { TokenDocuments, TokenSentences } from './token-documents.ts';

/*
 * Little-endian. Header of 8 words: magic (2), version, documents, sentences, tokens, 0, 0.
 * Then one record per document: number of sentences (u32), the length of each (u32), their ids (u16), zeros to a
 * multiple of 4 bytes. Records can be appended without knowing what follows, so a writer needs no memory for them.
 */
const magic = [0x7472_6562, 0x636f_642d] as const; // "bert" "-doc"
const version = 1;
const headerBytes = 32;

/** Counts of a document shard, as its header and the manifest hold them. */
export interface DocumentCounts {
  numDocuments: number;
  numSentences: number;
  numTokens: number;
}

/** One document as a shard record. Sentences must not be empty; ids must be below 65,536. */
export function encodeDocument(sentences: TokenSentences): Uint8Array {
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
export function encodeDocumentHeader(counts: DocumentCounts): Uint8Array {
  const { numDocuments, numSentences, numTokens } = counts;
  const words = [...magic, version, numDocuments, numSentences, numTokens, 0, 0];
  return new Uint8Array(Uint32Array.from(words).buffer);
}

/** A whole shard in memory. Documents and sentences without tokens are left out, as Google's reader does. */
export function encodeDocumentShard(documents: Iterable<TokenSentences>): Uint8Array {
  const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  const records: Uint8Array[] = [];
  for (const document of documents) {
    const sentences = withoutEmpty(document);
    if (sentences.length === 0) continue;
    addDocument(counts, sentences);
    records.push(encodeDocument(sentences));
  }
  return Buffer.concat([encodeDocumentHeader(counts), ...records]);
}

/** Sentences that have tokens. */
export function withoutEmpty(sentences: TokenSentences): TokenSentences {
  return sentences.filter((sentence) => sentence.length > 0);
}

/** Counts one more document. */
export function addDocument(counts: DocumentCounts, sentences: TokenSentences): void {
  counts.numDocuments += 1;
  counts.numSentences += sentences.length;
  for (const sentence of sentences) counts.numTokens += sentence.length;
}

/**
 * Reads a document shard. Its bytes must have been checked against their digest.
 * @param name - of the shard, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT`
 */
export function openDocumentShard(bytes: Uint8Array, name: string): TokenDocuments {
  const corrupt = (what: string): BerthError =>
    new BerthError('DATA_SHARD_CORRUPT', `${name}: ${what}; prepare the dataset again`);
  if (bytes.length < headerBytes || bytes.length % 4 !== 0)
    throw corrupt(`${bytes.length} bytes are not a document shard`);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  const [magic0, magic1, found, numDocuments = 0, numSentences = 0, numTokens = 0] = words;
  if (magic0 !== magic[0] || magic1 !== magic[1]) throw corrupt('not a document shard');
  if (found !== version) throw corrupt(`format version ${found} instead of ${version}`);
  if (numDocuments + numSentences + numTokens / 2 > words.length)
    throw corrupt('header counts more than the shard holds');

  const tokens = new Uint16Array(numTokens);
  const sentenceStarts = new Uint32Array(numSentences + 1);
  const documentStarts = new Uint32Array(numDocuments + 1);
  let word = headerBytes / 4;
  let sentence = 0;
  let token = 0;
  for (let document = 0; document < numDocuments; document++) {
    const endSentence = sentence + (words[word++] ?? Infinity);
    if (endSentence > numSentences) throw corrupt(`document ${document} is cut off`);
    const firstToken = token;
    while (sentence < endSentence) {
      token += words[word++] ?? Infinity;
      sentenceStarts[++sentence] = token;
    }
    const tokenWords = Math.ceil((token - firstToken) / 2);
    if (token > numTokens || word + tokenWords > words.length)
      throw corrupt(`document ${document} is cut off`);
    tokens.set(
      new Uint16Array(words.buffer, words.byteOffset + 4 * word, token - firstToken),
      firstToken,
    );
    word += tokenWords;
    documentStarts[document + 1] = sentence;
  }
  if (word !== words.length || sentence !== numSentences || token !== numTokens)
    throw corrupt('header and records disagree');
  return { tokens, sentenceStarts, documentStarts };
}

/** Documents in the form that examples are made from. */
export function packDocuments(documents: Iterable<TokenSentences>): TokenDocuments {
  return openDocumentShard(encodeDocumentShard(documents), 'documents');
}
