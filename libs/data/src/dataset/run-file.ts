import { createHash } from 'node:crypto';
import { BerthError } from '@berth/contracts';
import { giveTurn, isTurnDue } from '../text/work.ts';
import { compareHashes, shardOfHash } from './document-hash.ts';
import { encodeDocument, type HashedDocument, type IdBytes } from './document-shard.ts';
import { hashBytes } from './token-documents.ts';

/*
 * What tokenising a chunk leaves: its documents in buckets, in each by hash and then by name. Little-endian. Header of 4 words: magic
 * (2), version, buckets. Then 4 words for each bucket: the byte, from the first record on, at which it ends, and the first 12 bytes of
 * the SHA-256 of its records. Then records: their bytes, bytes of the name, number of the part of the corpus, number of the document in
 * its chunk; the document as its shard has it; its name in UTF-8; zeros to a multiple of 4 bytes.
 */
const magic = [0x7472_6562, 0x6e75_722d] as const; // "bert" "-run"
const version = 1;
const headerBytes = 16;
const entryBytes = 16;
const digestBytes = 12;
const ownBytes = 16;

/** Held-out documents lie in so many buckets, so that they can be put into as many shards as they need. */
export const numHeldOutBuckets = 256;

/** How documents are sorted into buckets. */
export interface Buckets {
  readonly numParts: number;
  /** Of each part. */
  readonly numShards: number;
}

export function numBucketsOf({ numParts, numShards }: Buckets): number {
  return numParts * numShards + numHeldOutBuckets;
}

export function trainBucket({ numShards }: Buckets, part: number, hash: Uint8Array): number {
  return part * numShards + shardOfHash(hash, numShards);
}

export function heldOutBucket({ numParts, numShards }: Buckets, hash: Uint8Array): number {
  return numParts * numShards + shardOfHash(hash, numHeldOutBuckets);
}

/** Where a run file has its records. */
function recordsStart(numBuckets: number): number {
  return headerBytes + entryBytes * numBuckets;
}

/** Where a run file has the entries of buckets, with that of the bucket before the first. */
export function entriesRange(first: number, end: number): readonly [number, number] {
  const from = Math.max(0, first - 1);
  return [headerBytes + entryBytes * from, headerBytes + entryBytes * end];
}

/** A stretch of a run file: a bucket's records, and the digest they are to have. */
export interface BucketStretch {
  readonly start: number;
  readonly end: number;
  /** First bytes of the SHA-256. */
  readonly digest: Uint8Array;
}

/** Reads the entries of `entriesRange`. @returns those buckets that have records */
export function readEntries(bytes: Uint8Array, first: number, numBuckets: number): BucketStretch[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = recordsStart(numBuckets);
  let start = first === 0 ? 0 : view.getUint32(0, true);
  const stretches: BucketStretch[] = [];
  for (let at = first === 0 ? 0 : entryBytes; at < bytes.length; at += entryBytes) {
    const end = view.getUint32(at, true);
    const digest = bytes.subarray(at + 4, at + 4 + digestBytes);
    if (end > start) stretches.push({ start: records + start, end: records + end, digest });
    start = end;
  }
  return stretches;
}

/** Checks records as they are read. */
export interface StretchCheck {
  add(bytes: Uint8Array): void;
  isSound(): boolean;
}

export function checkOf({ digest }: BucketStretch): StretchCheck {
  const hash = createHash('sha256');
  return {
    add: (bytes) => void hash.update(bytes),
    isSound: () => hash.digest().subarray(0, digestBytes).equals(digest),
  };
}

/** A document of a run file. Views into what was read. */
export interface RunRecord {
  readonly hash: Uint8Array;
  readonly part: number;
  /** In its chunk. */
  readonly number: number;
  readonly name: Uint8Array;
  /** As its shard has it. */
  readonly document: Uint8Array;
  readonly numBytes: number;
}

/** A document of some chunk. */
export interface PlacedRecord extends RunRecord {
  readonly chunk: number;
}

/**
 * The record at the begin of some bytes; undefined when they are not all of it.
 * @throws BerthError `DATA_SHARD_CORRUPT` for what no record can be
 */
export function readRecord(bytes: Uint8Array): RunRecord | undefined {
  if (bytes.length < ownBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numBytes = view.getUint32(0, true);
  const nameBytes = view.getUint32(4, true);
  const least = ownBytes + hashBytes + 8;
  if (numBytes % 4 !== 0 || numBytes < least + 4 * Math.ceil(nameBytes / 4))
    throw new BerthError('DATA_SHARD_CORRUPT', `a record of ${numBytes} bytes cannot be`);
  if (bytes.length < numBytes) return undefined;
  const nameStart = numBytes - 4 * Math.ceil(nameBytes / 4);
  return {
    hash: bytes.subarray(ownBytes, ownBytes + hashBytes),
    part: view.getUint32(8, true),
    number: view.getUint32(12, true),
    name: bytes.subarray(nameStart, nameStart + nameBytes),
    document: bytes.subarray(ownBytes, nameStart),
    numBytes,
  };
}

/** By hash, then by name; those of one chunk in which both are equal by their numbers. */
export function compareRecords(a: PlacedRecord, b: PlacedRecord): number {
  return (
    compareHashes(a.hash, b.hash) ||
    Buffer.compare(a.name, b.name) ||
    a.chunk - b.chunk ||
    a.number - b.number
  );
}

/** What a record says of its document besides the text. */
export interface RecordLabel {
  /** Of the corpus. */
  readonly part: number;
  /** In its chunk; of one chunk all differ, and they grow. */
  readonly number: number;
  readonly name: string;
}

/** Documents on their way into a run file. All are held in memory. */
export interface RunBuilder {
  /** What it holds in memory, about. */
  readonly numBytes: number;
  add(document: HashedDocument, bucket: number, label: RecordLabel): void;
  /** The run file, in pieces that follow one another. */
  finish(signal?: AbortSignal): Promise<Uint8Array[]>;
}

/** Of the objects that hold a record. */
const bytesBesideRecord = 300;

/** @param chunk - whose documents they are */
export function createRunBuilder(buckets: Buckets, idBytes: IdBytes, chunk: number): RunBuilder {
  const numBuckets = numBucketsOf(buckets);
  const records = new Map<number, PlacedRecord[]>();
  let numBytes = 0;
  return {
    get numBytes() {
      return numBytes;
    },
    add(document, bucket, label) {
      const bytes = encodeRecord(encodeDocument(document, idBytes), label);
      const record = { ...readRecord(bytes)!, chunk };
      const known = records.get(bucket);
      if (known === undefined) records.set(bucket, [record]);
      else known.push(record);
      numBytes += bytes.length + bytesBesideRecord;
    },
    async finish(signal) {
      const entries = new Uint8Array(entryBytes * numBuckets);
      const view = new DataView(entries.buffer);
      const header = new Uint8Array(Uint32Array.of(...magic, version, numBuckets).buffer);
      const pieces: Uint8Array[] = [header, entries];
      let end = 0;
      for (let bucket = 0; bucket < numBuckets; bucket++) {
        const sorted = await sortedRecords(records.get(bucket) ?? [], signal);
        records.delete(bucket);
        const hash = createHash('sha256');
        for (let start = 0; start < sorted.length; start += recordsAtOnce) {
          const bytes = Buffer.concat(sorted.slice(start, start + recordsAtOnce).map(bytesOf));
          end += bytes.length;
          pieces.push(bytes);
          hash.update(bytes);
          if (isTurnDue()) await giveTurn(signal);
        }
        view.setUint32(entryBytes * bucket, end, true);
        if (sorted.length > 0)
          entries.set(hash.digest().subarray(0, digestBytes), entryBytes * bucket + 4);
        if (isTurnDue()) await giveTurn(signal);
      }
      return pieces;
    },
  };
}

/** Few enough to be sorted at once. */
const maxSortedAtOnce = 10_000;
const recordsAtOnce = 1 << 12;

/** Sorts many records by the first byte of their hash, then those of each. */
async function sortedRecords(
  records: PlacedRecord[],
  signal: AbortSignal | undefined,
): Promise<PlacedRecord[]> {
  if (records.length <= maxSortedAtOnce) return records.sort(compareRecords);
  const byByte = Array.from({ length: 256 }, (): PlacedRecord[] => []);
  for (const record of records) byByte[record.hash[0]!]!.push(record);
  for (const some of byByte) {
    some.sort(compareRecords);
    if (isTurnDue()) await giveTurn(signal);
  }
  return byByte.flat();
}

function encodeRecord(document: Uint8Array, label: RecordLabel): Uint8Array {
  const { part, number } = label;
  const name = Buffer.from(label.name);
  const nameStart = ownBytes + document.length;
  const record = new Uint8Array(nameStart + 4 * Math.ceil(name.length / 4));
  const view = new DataView(record.buffer);
  view.setUint32(0, record.length, true);
  view.setUint32(4, name.length, true);
  view.setUint32(8, part, true);
  view.setUint32(12, number, true);
  record.set(document, ownBytes);
  record.set(name, nameStart);
  return record;
}

/** All bytes of a record that lies alone in its buffer. */
function bytesOf({ document }: RunRecord): Uint8Array {
  return new Uint8Array(document.buffer);
}
