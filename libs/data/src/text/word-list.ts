import { createHash } from 'node:crypto';
import { BerthError } from '@berth/contracts';

/*
 * Words with their counts, by code point. Little-endian. Header of 10 words: magic (2), version, number of words, their
 * bytes (u64), words dropped (u64), their occurrences (u64). Then a record per word: how many bytes of UTF-8 it shares with
 * the word before, how many follow, these, and the count; numbers as LEB128. Last the SHA-256 of all that.
 */
const magic = [0x7472_6562, 0x746e_632d] as const; // "bert" "-cnt"
const version = 1;
const headerBytes = 40;
const digestBytes = 32;
/** 200 code points of 4 bytes: longer words are [UNK] whatever the vocabulary. */
const maxWordBytes = 800;
const blockBytes = 1 << 20;

/** Words that were left out because there were too many. */
export interface DroppedWords {
  readonly numWords: number;
  readonly numOccurrences: number;
}

/** Goes over the words of a stored list. */
export interface WordCursor {
  /** UTF-8 of the current word, in the first `length` bytes. */
  readonly bytes: Buffer;
  length: number;
  count: number;
  /** Moves to the next word, at first to the first one; false behind the last. @throws BerthError `DATA_SHARD_CORRUPT` */
  next(): boolean;
}

/** A stored list of words. */
export interface WordList {
  readonly numWords: number;
  /** Of all words, in UTF-8. */
  readonly numBytes: number;
  readonly dropped: DroppedWords;
  cursor(): WordCursor;
}

/** Writes a list of words that come in order. */
export interface WordListWriter {
  /** `bytes` may be used again afterwards. */
  add(bytes: Buffer, length: number, count: number): void;
  finish(dropped: DroppedWords): Uint8Array;
}

/**
 * Opens a list, and proves that it is whole.
 * @param name - of the list, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT`
 */
export function openWordList(given: Uint8Array, name: string): WordList {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  const corrupt = (what: string): BerthError =>
    new BerthError('DATA_SHARD_CORRUPT', `${name}: ${what}; delete it and make it again`);
  const end = bytes.length - digestBytes;
  if (end < headerBytes) throw corrupt(`${bytes.length} bytes are not a list of words`);
  if (bytes.readUInt32LE(0) !== magic[0] || bytes.readUInt32LE(4) !== magic[1])
    throw corrupt('not a list of words');
  const found = bytes.readUInt32LE(8);
  if (found !== version) throw corrupt(`format version ${found} instead of ${version}`);
  if (!digestOf(bytes.subarray(0, end)).equals(bytes.subarray(end)))
    throw corrupt('its bytes do not have the digest that it ends with');
  const numWords = bytes.readUInt32LE(12);
  return {
    numWords,
    numBytes: Number(bytes.readBigUInt64LE(16)),
    dropped: {
      numWords: Number(bytes.readBigUInt64LE(24)),
      numOccurrences: Number(bytes.readBigUInt64LE(32)),
    },
    cursor: () => openCursor(bytes.subarray(headerBytes, end), numWords, corrupt),
  };
}

function openCursor(
  records: Buffer,
  numWords: number,
  corrupt: (what: string) => BerthError,
): WordCursor {
  const word = Buffer.alloc(maxWordBytes);
  let at = 0;
  let index = 0;
  const readNumber = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = records[at++];
      if (byte === undefined || scale > 2 ** 49) throw corrupt(`word ${index} is cut off`);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  const cursor: WordCursor = {
    bytes: word,
    length: 0,
    count: 0,
    next() {
      if (index === numWords) {
        if (at !== records.length) throw corrupt('header and records disagree');
        return false;
      }
      const numShared = readNumber();
      const numOwn = readNumber();
      const length = numShared + numOwn;
      if (numShared > cursor.length || length > maxWordBytes || at + numOwn > records.length)
        throw corrupt(`word ${index} is cut off`);
      // The first byte that differs must be larger; so words are in order, and none comes twice.
      if (numOwn === 0 || (numShared < cursor.length && records[at]! <= word[numShared]!))
        throw corrupt(`word ${index} is out of order`);
      for (let i = numShared; i < length; i++) word[i] = records[at++]!;
      cursor.length = length;
      cursor.count = readNumber();
      index += 1;
      return true;
    },
  };
  return cursor;
}

/** A writer that holds what it has written, in blocks. */
export function createWordListWriter(): WordListWriter {
  const before = Buffer.alloc(maxWordBytes);
  let numBytesBefore = 0;
  let numWords = 0;
  let numBytes = 0;
  const full: Buffer[] = [Buffer.alloc(headerBytes)];
  let block = Buffer.allocUnsafe(blockBytes);
  let at = 0;
  const writeNumber = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) block[at++] = (rest % 128) | 128;
    block[at++] = rest;
  };
  return {
    add(bytes, length, count) {
      if (at + maxWordBytes + 32 > blockBytes) {
        full.push(block.subarray(0, at));
        block = Buffer.allocUnsafe(blockBytes);
        at = 0;
      }
      let numShared = 0;
      while (numShared < numBytesBefore && bytes[numShared] === before[numShared]) numShared += 1;
      writeNumber(numShared);
      writeNumber(length - numShared);
      for (let i = numShared; i < length; i++) before[i] = block[at++] = bytes[i]!;
      numBytesBefore = length;
      writeNumber(count);
      numWords += 1;
      numBytes += length;
    },
    finish(dropped) {
      const header = full[0]!;
      for (const [i, value] of [...magic, version, numWords].entries())
        header.writeUInt32LE(value, 4 * i);
      for (const [i, value] of [numBytes, dropped.numWords, dropped.numOccurrences].entries())
        header.writeBigUInt64LE(BigInt(value), 16 + 8 * i);
      const digest = createHash('sha256');
      const parts = [...full, block.subarray(0, at)];
      for (const part of parts) digest.update(part);
      return Buffer.concat([...parts, digest.digest()]);
    },
  };
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Of UTF-8: by code point. Negative when `a` comes first. */
export function compareWords(a: WordCursor, b: WordCursor): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a.bytes[i]! - b.bytes[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
