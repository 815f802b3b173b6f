import { BerthError } from '@berth/contracts';
import { hashBytes, type TokenDocuments, type TokenSentences } from './token-documents.ts';

/*
 * Little-endian. Header of 8 words: magic (2), version 2, bytes of an id (2 or 4), 0, 0, 0, 0. Then one record per document: its hash
 * (16 bytes), number of sentences (u32), the length of each (u32), their ids, zeros to a multiple of 4 bytes. Then a footer of 4 words:
 * documents, sentences, tokens, magic. So a shard is written and read in one go, without knowing what follows.
 * Version 1 had the counts in words 3 to 5 of the header, ids of 2 bytes, no hashes and no footer.
 */
const magic = [0x7472_6562, 0x636f_642d] as const; // "bert" "-doc"
const headerBytes = 32;
const footerBytes = 16;
const hashWords = hashBytes / 4;

/** Bytes of an id. */
export type IdBytes = 2 | 4;

/** What the ids of a vocabulary of so many entries take. */
export function idBytesOf(numEntries: number): IdBytes {
  return numEntries <= 2 ** 16 ? 2 : 4;
}

/** Counts of a document shard, as its footer and the manifest hold them. */
export interface DocumentCounts {
  numDocuments: number;
  numSentences: number;
  numTokens: number;
}

/** A document with what names it. */
export interface HashedDocument {
  /** `hashBytes` of them. */
  readonly hash: Uint8Array;
  readonly sentences: TokenSentences;
}

/** Bytes of a document's record. */
export function recordBytesOf(numSentences: number, numTokens: number, idBytes: IdBytes): number {
  return hashBytes + 4 * (1 + numSentences + Math.ceil((numTokens * idBytes) / 4));
}

/** One document as a record. Sentences must not be empty. */
export function encodeDocument(
  { hash, sentences }: HashedDocument,
  idBytes: IdBytes,
): Uint8Array<ArrayBuffer> {
  const numTokens = sentences.reduce((sum, sentence) => sum + sentence.length, 0);
  const record = new Uint8Array(recordBytesOf(sentences.length, numTokens, idBytes));
  record.set(hash);
  const lengths = new Uint32Array(record.buffer, hashBytes, 1 + sentences.length);
  const tokens = new (idBytes === 2 ? Uint16Array : Uint32Array)(
    record.buffer,
    hashBytes + lengths.byteLength,
  );
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
export function encodeDocumentHeader(idBytes: IdBytes): Uint8Array {
  return new Uint8Array(Uint32Array.from([...magic, 2, idBytes, 0, 0, 0, 0]).buffer);
}

/** The footer that goes after them. */
export function encodeDocumentFooter(counts: DocumentCounts): Uint8Array {
  const { numDocuments, numSentences, numTokens } = counts;
  return new Uint8Array(Uint32Array.of(numDocuments, numSentences, numTokens, magic[1]).buffer);
}

/** A whole shard in memory. Documents and sentences without tokens are left out, as Google's reader does. */
export function encodeDocumentShard(
  documents: Iterable<HashedDocument>,
  idBytes: IdBytes,
): Uint8Array {
  const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  const records: Uint8Array[] = [];
  for (const document of documents) {
    const sentences = withoutEmpty(document.sentences);
    if (sentences.length === 0) continue;
    counts.numDocuments += 1;
    counts.numSentences += sentences.length;
    for (const { length } of sentences) counts.numTokens += length;
    records.push(encodeDocument({ ...document, sentences }, idBytes));
  }
  return Buffer.concat([encodeDocumentHeader(idBytes), ...records, encodeDocumentFooter(counts)]);
}

/** Sentences that have tokens. */
function withoutEmpty(sentences: TokenSentences): TokenSentences {
  return sentences.filter((sentence) => sentence.length > 0);
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
  if (words[0] !== magic[0] || words[1] !== magic[1]) throw corrupt('not a document shard');
  const { counts, idBytes, end, hasHashes } = layoutOf(words, corrupt);
  const { numDocuments, numSentences, numTokens } = counts;
  const numOwnWords = hasHashes ? 1 + hashWords : 1;
  if (numDocuments * numOwnWords + numSentences + (numTokens * idBytes) / 4 > words.length)
    throw corrupt(`it says that it has ${numTokens} tokens, which is more than it holds`);

  const Ids = idBytes === 2 ? Uint16Array : Uint32Array;
  const tokens = new Ids(numTokens);
  const sentenceStarts = new Uint32Array(numSentences + 1);
  const documentStarts = new Uint32Array(numDocuments + 1);
  const hashes = hasHashes ? new Uint8Array(numDocuments * hashBytes) : undefined;
  let word = headerBytes / 4;
  let sentence = 0;
  let token = 0;
  for (let document = 0; document < numDocuments; document++) {
    if (hashes !== undefined) {
      if (word + hashWords >= end) throw corrupt(`document ${document} is cut off`);
      const at = 4 * word;
      hashes.set(aligned.subarray(at, at + hashBytes), document * hashBytes);
      word += hashWords;
    }
    const endSentence = sentence + (words[word++] ?? Infinity);
    if (endSentence > numSentences) throw corrupt(`document ${document} is cut off`);
    const firstToken = token;
    while (sentence < endSentence) {
      token += words[word++] ?? Infinity;
      sentenceStarts[++sentence] = token;
    }
    const tokenWords = Math.ceil(((token - firstToken) * idBytes) / 4);
    if (token > numTokens || word + tokenWords > end)
      throw corrupt(`document ${document} is cut off`);
    const start = words.byteOffset + 4 * word;
    tokens.set(new Ids(words.buffer as ArrayBuffer, start, token - firstToken), firstToken);
    word += tokenWords;
    documentStarts[document + 1] = sentence;
  }
  if (word !== end || sentence !== numSentences || token !== numTokens)
    throw corrupt('counts and records disagree');
  return { tokens, sentenceStarts, documentStarts, ...(hashes && { hashes }) };
}

/**
 * Reads the documents that are whole in the beginning of a shard, whose digest nobody can have checked.
 * @throws BerthError `DATA_SHARD_CORRUPT` when it is no beginning of one
 */
export function openDocumentBeginning(bytes: Uint8Array, name: string): TokenDocuments {
  const words = new Uint32Array(bytes.slice(0, bytes.length - (bytes.length % 4)).buffer);
  const [magic0, magic1, version, width] = words;
  const isFirst = version === 1;
  const idBytes = isFirst ? 2 : width;
  const isShard = magic0 === magic[0] && magic1 === magic[1] && (isFirst || version === 2);
  if (!isShard || (idBytes !== 2 && idBytes !== 4))
    throw new BerthError(
      'DATA_SHARD_CORRUPT',
      `${name}: not a document shard; prepare the dataset again`,
    );
  const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  let end = headerBytes / 4;
  for (;;) {
    let word = end + (isFirst ? 0 : hashWords);
    const numSentences = words[word++] ?? Infinity;
    let numTokens = 0;
    // A length beyond the end makes no sum that fits.
    for (let sentence = 0; sentence < numSentences && word <= words.length; sentence++)
      numTokens += words[word++] ?? Infinity;
    word += Math.ceil((numTokens * idBytes) / 4);
    if (!(word <= words.length)) break;
    counts.numDocuments += 1;
    counts.numSentences += numSentences;
    counts.numTokens += numTokens;
    end = word;
  }
  if (isFirst) words.set([counts.numDocuments, counts.numSentences, counts.numTokens], 3);
  const whole = new Uint8Array(words.buffer, 0, 4 * end);
  return openDocumentShard(
    isFirst ? whole : Buffer.concat([whole, encodeDocumentFooter(counts)]),
    name,
  );
}

/**
 * The bytes of a shard with other tokens in the same places.
 * @param documents - that `openDocumentShard` has made of it, with these tokens
 */
export function withTokens(bytes: Uint8Array, documents: TokenDocuments): Uint8Array {
  const replaced = bytes.slice();
  const { tokens, sentenceStarts, documentStarts, hashes } = documents;
  const isWide = tokens.subarray(0, 0) instanceof Uint32Array;
  let at = headerBytes;
  for (let document = 0; document + 1 < documentStarts.length; document++) {
    const [first, end] = [documentStarts[document]!, documentStarts[document + 1]!];
    at += (hashes === undefined ? 0 : hashBytes) + 4 * (1 + end - first);
    const own = tokens.subarray(sentenceStarts[first], sentenceStarts[end]);
    replaced.set(new Uint8Array(own.buffer, own.byteOffset, own.byteLength), at);
    at += 4 * Math.ceil((own.length * (isWide ? 4 : 2)) / 4);
  }
  return replaced;
}

/** Where a shard has what, by its version. */
function layoutOf(
  words: Uint32Array,
  corrupt: (what: string) => BerthError,
): {
  readonly counts: DocumentCounts;
  readonly idBytes: IdBytes;
  /** The word after the last record. */
  readonly end: number;
  readonly hasHashes: boolean;
} {
  const [, , version, idBytes] = words;
  const countsAt = (word: number): DocumentCounts => {
    const [numDocuments = 0, numSentences = 0, numTokens = 0] = words.subarray(word, word + 3);
    return { numDocuments, numSentences, numTokens };
  };
  if (version === 1)
    return { counts: countsAt(3), idBytes: 2, end: words.length, hasHashes: false };
  if (version !== 2) throw corrupt(`format version ${version} instead of 1 or 2`);
  if (idBytes !== 2 && idBytes !== 4) throw corrupt(`ids of ${idBytes} bytes`);
  const end = words.length - footerBytes / 4;
  if (end < headerBytes / 4 || words.at(-1) !== magic[1]) throw corrupt('its end is missing');
  return { counts: countsAt(end), idBytes, end, hasHashes: true };
}

/**
 * Documents in the form that examples are made from.
 * @param hashes - of those that have tokens, `hashBytes` each; undefined where they have none
 */
export function packDocuments(
  documents: Iterable<TokenSentences>,
  hashes?: Uint8Array,
): TokenDocuments {
  const all = [...documents].map(withoutEmpty).filter(({ length }) => length > 0);
  const lengths = all.flatMap((sentences) => sentences.map(({ length }) => length));
  const sentenceStarts = startsOf(lengths);
  const documentStarts = startsOf(all.map(({ length }) => length));
  const isWide = all.some((sentences) => sentences.some((ids) => ids.some((id) => id > 0xffff)));
  const tokens = new (isWide ? Uint32Array : Uint16Array)(sentenceStarts.at(-1)!);
  let offset = 0;
  for (const sentences of all)
    for (const sentence of sentences) {
      tokens.set(sentence, offset);
      offset += sentence.length;
    }
  return { tokens, sentenceStarts, documentStarts, ...(hashes && { hashes }) };
}

function startsOf(lengths: readonly number[]): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  for (const [index, length] of lengths.entries()) starts[index + 1] = starts[index]! + length;
  return starts;
}
