import { BerthError } from '@berth/contracts';
import type { DocumentCounts, IdBytes } from '../dataset/document-shard.ts';
import { giveTurn, isTurnDue } from '../text/work.ts';

export interface ShardCheckOptions {
  /** For messages. */
  readonly name: string;
  readonly idBytes: IdBytes;
  /** Entries of the vocabulary. */
  readonly numEntries: number;
  /** Ids that no text has, with what they are called. */
  readonly reserved: ReadonlyMap<number, string>;
  /** Told of each document. @returns what is wrong with it */
  readonly onDocument: (
    hash: Uint32Array,
    lengths: Uint32Array,
    ids: Uint16Array | Uint32Array,
  ) => string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const header = [0x7472_6562, 0x636f_642d, 2] as const; // "bert" "-doc", version
const headerWords = 8;
const footerWords = 4;
const hashWords = 4;
/** Ids that are looked at before others may have a turn. */
const idsPerStretch = 1 << 16;

/**
 * Checks every byte of a document shard of the third format.
 * @param bytes - which begin where a word does
 * @throws BerthError `DATA_CORPUS_INVALID` naming the byte and what is wrong there
 */
export async function checkDocumentShard(
  bytes: Uint8Array,
  options: ShardCheckOptions,
): Promise<DocumentCounts> {
  const { name, idBytes, numEntries, reserved, onDocument, signal } = options;
  const fail = (byte: number, what: string): never => {
    throw new BerthError('DATA_CORPUS_INVALID', `${name}, byte ${byte}: ${what}`);
  };
  const numWords = Math.floor(bytes.length / 4);
  if (bytes.length % 4 !== 0 || numWords < headerWords + footerWords)
    fail(bytes.length, `a document shard does not end after ${bytes.length} bytes`);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, numWords);
  const expected = [...header, idBytes, 0, 0, 0, 0];
  const wrong = expected.findIndex((word, at) => words[at] !== word);
  if (wrong === 2 || wrong === 3)
    fail(
      4 * wrong,
      `${wrong === 2 ? 'version' : 'bytes of an id'} ${words[wrong]}, not ${expected[wrong]}`,
    );
  if (wrong !== -1) fail(4 * wrong, 'this is not the header of a document shard');
  const end = numWords - footerWords;
  if (words[numWords - 1] !== header[1]) fail(4 * (numWords - 1), 'its end is missing');

  const isReserved = new Uint8Array(numEntries);
  for (const id of reserved.keys()) isReserved[id] = 1;
  const counts: DocumentCounts = { numDocuments: 0, numSentences: 0, numTokens: 0 };
  for (let at = headerWords; at < end; counts.numDocuments++) {
    const start = at;
    const document = `document ${counts.numDocuments}`;
    at += hashWords;
    const numSentences = at < end ? words[at++]! : fail(4 * start, `${document} is cut off`);
    if (numSentences === 0) fail(4 * (at - 1), `${document} has no sentence`);
    if (numSentences > end - at)
      fail(4 * (at - 1), `${document} has ${numSentences} sentences, more than the shard holds`);
    const lengths = words.subarray(at, at + numSentences);
    const maxTokens = (4 * (end - at - numSentences)) / idBytes;
    let numTokens = 0;
    for (let sentence = 0; sentence < numSentences; sentence++) {
      const length = lengths[sentence]!;
      numTokens += length;
      if (length === 0) fail(4 * (at + sentence), `sentence ${sentence} of ${document} is empty`);
      if (numTokens > maxTokens)
        fail(4 * (at + sentence), `${document} has more tokens than the shard holds`);
    }
    at += numSentences;
    const Ids = idBytes === 2 ? Uint16Array : Uint32Array;
    const ids = new Ids(words.buffer as ArrayBuffer, words.byteOffset + 4 * at, numTokens);
    for (let from = 0; from < numTokens; from += idsPerStretch) {
      const to = Math.min(numTokens, from + idsPerStretch);
      for (let token = from; token < to; token++) {
        const id = ids[token]!;
        const byte = 4 * at + token * idBytes;
        if (id >= numEntries) fail(byte, `id ${id} in ${document}, of ${numEntries} entries`);
        if (isReserved[id] === 1)
          fail(byte, `${reserved.get(id)} in ${document}: ids are without special tokens`);
      }
      if (isTurnDue()) await giveTurn(signal);
    }
    const recordEnd = at + Math.ceil((numTokens * idBytes) / 4);
    if ((numTokens * idBytes) % 4 !== 0 && words[recordEnd - 1]! >>> 16 !== 0)
      fail(4 * recordEnd - 2, `no zeros behind ${document}`);
    const problem = onDocument(words.subarray(start, start + hashWords), lengths, ids);
    if (problem !== undefined) fail(4 * start, `${document} ${problem}`);
    at = recordEnd;
    counts.numSentences += numSentences;
    counts.numTokens += numTokens;
  }
  for (const [index, key] of (['numDocuments', 'numSentences', 'numTokens'] as const).entries())
    if (words[end + index] !== counts[key])
      fail(
        4 * (end + index),
        `${key} is ${counts[key]}, and its footer says ${words[end + index]}`,
      );
  return counts;
}
