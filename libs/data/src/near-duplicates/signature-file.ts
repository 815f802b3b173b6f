import { hashBytes } from '../dataset/token-documents.ts';
import { fingerprintWords, type Bands } from './bands.ts';
import { checkedBytes, withChecksum } from './checked-bytes.ts';
import type { Signature } from './signer.ts';

/*
 * What tokenising leaves beside each run file: the signatures of its documents that have words, in the order of the chunk. Little-endian.
 * Header of 4 words: magic (2), version, bands. Then of each document: its hash (16 bytes), the number of its part of the corpus, the
 * hash of each band, its fingerprint. At the end the SHA-256 of it all.
 */
const magic = [0x7472_6562, 0x6769_732d] as const; // "bert" "-sig"
const version = 1;
const headerBytes = 16;

function bytesOfSignature({ numBands }: Bands): number {
  return hashBytes + 4 + 4 * numBands + 4 * fingerprintWords;
}

/** Of the object that holds a signature. */
const bytesBeside = 120;

/** Signatures on their way into a file. All are held in memory. */
export interface SignatureBuilder {
  /** What it holds in memory, about. */
  readonly numBytes: number;
  add(hash: Uint8Array, part: number, signature: Signature): void;
  /** The file, in pieces that follow one another. */
  finish(): Uint8Array[];
}

export function createSignatureBuilder(bands: Bands): SignatureBuilder {
  const header = new Uint8Array(Uint32Array.of(...magic, version, bands.numBands).buffer);
  const pieces: Uint8Array[] = [header];
  return {
    get numBytes() {
      return pieces.length * (bytesOfSignature(bands) + bytesBeside);
    },
    add(hash, part, signature) {
      const words = Uint32Array.of(part, ...signature.bands, ...signature.fingerprint);
      pieces.push(Buffer.concat([hash, new Uint8Array(words.buffer)]));
    },
    finish: () => withChecksum(pieces),
  };
}

/** A document's signature with what it is of. Views into what was read. */
export interface PlacedSignature extends Signature {
  readonly hash: Uint8Array;
  /** Of the corpus. */
  readonly part: number;
}

/** @throws BerthError `DATA_SHARD_CORRUPT` for other bytes than those that were stored */
export function readSignatures(
  stored: Uint8Array,
  key: string,
  bands: Bands,
): Iterable<PlacedSignature> {
  // Views need a place that is a multiple of four.
  return signaturesOf(Uint8Array.from(checkedBytes(stored, key)), bands);
}

function* signaturesOf(bytes: Uint8Array, bands: Bands): Generator<PlacedSignature> {
  const numBytes = bytesOfSignature(bands);
  const fingerprintStart = hashBytes + 4 + 4 * bands.numBands;
  for (let at = headerBytes; at < bytes.length; at += numBytes)
    yield {
      hash: bytes.subarray(at, at + hashBytes),
      part: new Uint32Array(bytes.buffer, at + hashBytes, 1)[0]!,
      bands: new Uint32Array(bytes.buffer, at + hashBytes + 4, bands.numBands),
      fingerprint: new Uint32Array(bytes.buffer, at + fingerprintStart, fingerprintWords),
    };
}
