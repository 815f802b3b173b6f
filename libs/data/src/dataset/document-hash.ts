import { createHash } from 'node:crypto';
import { hashBytes } from './token-documents.ts';

/**
 * What names a document, whatever corpus it is in and wherever it lies there: the first 16 bytes of the SHA-256 of its sentences, with
 * a line feed between them. It does not depend on the vocabulary.
 */
export function documentHash(sentences: readonly string[]): Uint8Array {
  return digest(sentences.join('\n'));
}

/**
 * What names the n-th copy of a document, where copies are kept; the first, with number 0, has the name of its text.
 */
export function hashOfCopy(hash: Uint8Array, number: number): Uint8Array {
  return number === 0 ? hash : digest(`${Buffer.from(hash).toString('hex')}\n${number}`);
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest().subarray(0, hashBytes);
}

/** The shard of a document: as many hashes from the lowest on lie in each. So twice as many shards are the same ones halved. */
export function shardOfHash(hash: Uint8Array, numShards: number): number {
  return Math.floor((wordAt(hash, 0) * numShards) / 2 ** 32);
}

/** From 0 to below 1, independent of the shard: documents below `heldOutRatio` are held out. */
export function heldOutValue(hash: Uint8Array): number {
  return wordAt(hash, 12) / 2 ** 32;
}

/** Whether a hash comes before another, or the other way round. */
export function compareHashes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + 4);
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
