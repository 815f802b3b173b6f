import { BerthError, sha256Hex } from '@berth/contracts';

/** Bytes of a shard that have their digest, and the words that they begin with. */
export interface VerifiedShard {
  /** At a place that is a multiple of four. */
  readonly bytes: Uint8Array;
  readonly header: Uint32Array;
  readonly corrupt: (what: string) => BerthError;
}

/**
 * Verifies the bytes of a shard of any format that begins with a header: two words that name it, then its version.
 * @param expectedSha256 - undefined where they are a part of bytes that were verified
 * @param name - of the shard, for messages
 * @throws BerthError `DATA_SHARD_CORRUPT` when they do not have this digest, or are of another format
 */
export function verifiedShard(
  given: Uint8Array,
  expectedSha256: string | undefined,
  name: string,
  format: {
    readonly magic: readonly [number, number];
    /** That are read. */
    readonly versions: readonly number[];
    readonly headerWords: number;
    /** With its article, for messages. */
    readonly title: string;
  },
): VerifiedShard {
  const corrupt = (what: string): BerthError =>
    new BerthError('DATA_SHARD_CORRUPT', `${name}: ${what}; delete it and make it again`);
  const sha256 = expectedSha256 === undefined ? undefined : sha256Hex(given);
  if (sha256 !== expectedSha256)
    throw corrupt(`sha256 is ${sha256} instead of ${expectedSha256} (${given.length} bytes)`);
  const bytes = given.byteOffset % 4 === 0 ? given : new Uint8Array(given);
  const { magic, versions, headerWords, title } = format;
  if (bytes.length < 4 * headerWords) throw corrupt('shorter than its header');
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, headerWords);
  if (header[0] !== magic[0] || header[1] !== magic[1]) throw corrupt(`not ${title}`);
  if (!versions.includes(header[2]!))
    throw corrupt(`format version ${header[2]} instead of ${versions.join(' or ')}`);
  return { bytes, header, corrupt };
}
