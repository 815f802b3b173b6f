import { createHash } from 'node:crypto';
import { S3Error } from './errors.ts';
import {
  assertSameSignature,
  chunkSignature,
  trailerSignature,
  type SigningContext,
} from './sigv4.ts';

const maxLineBytes = 8192;
const maxTrailers = 16;

/**
 * Decodes an aws-chunked body: `<hex size>[;chunk-signature=<hex>]\r\n<bytes>\r\n` ..., a chunk of size 0, then trailing
 * headers and an empty line. With a signing context every chunk, and the trailer if there is one, must carry its signature.
 * Data is handed on before the signature of its chunk is known: the caller keeps it back until this resolves.
 * @returns the trailing headers, names in lower case
 * @throws S3Error `IncompleteBody`, `InvalidRequest`, `MalformedTrailerError`, `SignatureDoesNotMatch`
 */
export async function decodeChunkedBody(
  source: AsyncIterable<Buffer>,
  signing: SigningContext | undefined,
  onData: (bytes: Buffer) => Promise<void>,
): Promise<Map<string, string>> {
  const reader = createByteReader(source);
  let signature = signing?.signature ?? '';
  for (let size = -1; size !== 0;) {
    const head = /^([0-9a-f]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?$/i.exec(
      await reader.line(),
    );
    if (!head) throw new S3Error('InvalidRequest', 'A chunk header of the body is malformed.');
    size = Number.parseInt(head[1] ?? '', 16);
    const hash = createHash('sha256');
    for (let left = size; left > 0;) {
      const bytes = await reader.take(left);
      if (signing) hash.update(bytes);
      await onData(bytes);
      left -= bytes.length;
    }
    if (signing) {
      const expected = chunkSignature(signing, signature, hash.digest('hex'));
      assertSameSignature(head[2] ?? '', expected);
      signature = expected;
    }
    if (size !== 0 && (await reader.line()) !== '') {
      throw new S3Error('InvalidRequest', 'A chunk of the body is longer than its header says.');
    }
  }
  return readTrailer(reader, signing, signature);
}

async function readTrailer(
  reader: ByteReader,
  signing: SigningContext | undefined,
  lastSignature: string,
): Promise<Map<string, string>> {
  const trailer = new Map<string, string>();
  for (let line = await reader.line(); line !== ''; line = await reader.line()) {
    const colon = line.indexOf(':');
    if (colon < 1 || trailer.size === maxTrailers) {
      throw new S3Error('MalformedTrailerError', 'The trailer of the body is malformed.');
    }
    trailer.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const given = trailer.get('x-amz-trailer-signature');
  trailer.delete('x-amz-trailer-signature');
  if (signing && trailer.size > 0) {
    const text = [...trailer].map(([name, value]) => `${name}:${value}\n`).join('');
    assertSameSignature(given ?? '', trailerSignature(signing, lastSignature, text));
  }
  return trailer;
}

interface ByteReader {
  /** At least one and at most `maxBytes` bytes. */
  take(maxBytes: number): Promise<Buffer>;
  /** Text up to the next CRLF, without it. */
  line(): Promise<string>;
}

function createByteReader(source: AsyncIterable<Buffer>): ByteReader {
  const iterator = source[Symbol.asyncIterator]();
  let buffered: Buffer = Buffer.alloc(0);

  async function more(): Promise<Buffer> {
    const next = await iterator.next();
    if (!next.done) return next.value;
    throw new S3Error('IncompleteBody', 'The body ended before its last chunk.');
  }

  return {
    async take(maxBytes) {
      while (buffered.length === 0) buffered = await more();
      const bytes = buffered.subarray(0, maxBytes);
      buffered = buffered.subarray(bytes.length);
      return bytes;
    },
    async line() {
      for (;;) {
        const end = buffered.indexOf('\r\n');
        if (end >= 0) {
          const text = buffered.toString('latin1', 0, end);
          buffered = buffered.subarray(end + 2);
          return text;
        }
        if (buffered.length > maxLineBytes) {
          throw new S3Error('InvalidRequest', 'A line between the chunks of the body is too long.');
        }
        buffered = Buffer.concat([buffered, await more()]);
      }
    },
  };
}
