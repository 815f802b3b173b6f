import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Error } from './errors.ts';

/** A running checksum over bytes fed in order. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** The raw checksum, big-endian where it is a number. */
  digest(): Buffer;
}

const factories = {
  CRC32: () => runningCrc((bytes, crc) => crc32(bytes, crc)),
  CRC32C: () => runningCrc(crc32c),
  CRC64NVME: runningCrc64,
  SHA1: () => runningHash('sha1'),
  SHA256: () => runningHash('sha256'),
} as const;

export type ChecksumAlgorithm = keyof typeof factories;

/** Raw checksum sizes, to refuse a value that cannot be one. */
const sizesBytes: Record<ChecksumAlgorithm, number> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** How the checksum of an object put together from parts is made: over its bytes, or over its parts' checksums. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as it is stored and sent: base64, with `-<parts>` behind it when composite. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

export function createChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  return factories[algorithm]();
}

/** @throws S3Error `InvalidRequest` for an algorithm this server does not know. */
export function parseChecksumAlgorithm(name: string): ChecksumAlgorithm {
  const upper = name.toUpperCase();
  if (Object.hasOwn(factories, upper)) return upper as ChecksumAlgorithm;
  throw new S3Error('InvalidRequest', `Checksum algorithm ${name} is not supported.`);
}

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Which checksum a header name stands for; `undefined` for any other header. */
export function algorithmOfHeader(header: string): ChecksumAlgorithm | undefined {
  return (Object.keys(factories) as ChecksumAlgorithm[]).find(
    (algorithm) => checksumHeader(algorithm) === header,
  );
}

/** @throws S3Error `InvalidRequest` when the value is not the base64 of a checksum of this algorithm. */
export function assertChecksumValue(algorithm: ChecksumAlgorithm, value: string): void {
  const raw = Buffer.from(value, 'base64');
  if (raw.length === sizesBytes[algorithm] && raw.toString('base64') === value) return;
  throw new S3Error(
    'InvalidRequest',
    `Value for ${checksumHeader(algorithm)} header is not a ${algorithm} checksum in base64.`,
  );
}

function runningHash(name: 'sha1' | 'sha256'): RunningChecksum {
  const hash = createHash(name);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

function runningCrc(next: (bytes: Uint8Array, crc: number) => number): RunningChecksum {
  let crc = 0;
  return {
    update(bytes) {
      crc = next(bytes, crc);
    },
    digest() {
      const raw = Buffer.alloc(4);
      raw.writeUInt32BE(crc);
      return raw;
    },
  };
}

/** Castagnoli polynomial, reflected (RFC 3720 appendix B.4). */
const crc32cTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82_f6_3b_78 : 0);
  return crc;
});

function crc32c(bytes: Uint8Array, previous: number): number {
  let crc = ~previous;
  for (const byte of bytes) crc = (crc >>> 8) ^ (crc32cTable[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

/** NVM Express polynomial, reflected, as high and low halves (NVM Command Set specification 5.2.1.3.4). */
const crc64Tables = makeCrc64Tables(0x9a_6c_93_29, 0xac_4b_c9_b5);

function makeCrc64Tables(
  polynomialHigh: number,
  polynomialLow: number,
): [Uint32Array, Uint32Array] {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crcHigh = 0;
    let crcLow = byte;
    for (let bit = 0; bit < 8; bit++) {
      const carry = crcLow & 1;
      crcLow = (crcLow >>> 1) | (crcHigh << 31);
      crcHigh >>>= 1;
      if (carry) {
        crcHigh ^= polynomialHigh;
        crcLow ^= polynomialLow;
      }
    }
    high[byte] = crcHigh;
    low[byte] = crcLow;
  }
  return [high, low];
}

function runningCrc64(): RunningChecksum {
  const [tableHigh, tableLow] = crc64Tables;
  let high = ~0;
  let low = ~0;
  return {
    update(bytes) {
      for (const byte of bytes) {
        const index = (low ^ byte) & 0xff;
        low = ((low >>> 8) | (high << 24)) ^ (tableLow[index] ?? 0);
        high = (high >>> 8) ^ (tableHigh[index] ?? 0);
      }
    },
    digest() {
      const raw = Buffer.alloc(8);
      raw.writeUInt32BE(~high >>> 0, 0);
      raw.writeUInt32BE(~low >>> 0, 4);
      return raw;
    },
  };
}
