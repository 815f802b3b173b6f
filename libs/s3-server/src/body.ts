import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import {
  algorithmOfHeader,
  assertChecksumValue,
  checksumHeader,
  createChecksum,
  parseChecksumAlgorithm,
  type ChecksumAlgorithm,
} from './checksums.ts';
import { decodeChunkedBody } from './chunked-body.ts';
import { S3Error } from './errors.ts';
import type { S3Request } from './request.ts';
import { incomingPath, type Storage } from './storage.ts';

const maxObjectBytes = 5 * 2 ** 30;
const maxDocumentBytes = 2 ** 20;

/** What is known of a body once all of it has been verified. */
export interface BodyFacts {
  readonly md5: Buffer;
  readonly sizeBytes: number;
  /** The one the client sent or asked for. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly raw: Buffer };
}

/**
 * Receives a body into a synced file of the incoming folder; memory stays bounded. The file is removed when
 * verification or `use` fails; `use` moves it away on success.
 */
export async function receiveFile<T>(
  storage: Storage,
  request: S3Request,
  use: (path: string, facts: BodyFacts) => Promise<T>,
  algorithm?: ChecksumAlgorithm,
): Promise<T> {
  const path = incomingPath(storage);
  try {
    const handle = await open(path, 'wx');
    let facts: BodyFacts;
    try {
      const write = (bytes: Buffer): Promise<void> => handle.writeFile(bytes);
      facts = await readBody(request, maxObjectBytes, write, algorithm);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return await use(path, facts);
  } finally {
    await rm(path, { force: true });
  }
}

/** Receives a small XML document, of 1 MiB at most: some 5,000 parts of an upload. */
export async function receiveDocument(request: S3Request): Promise<string> {
  const pieces: Buffer[] = [];
  await readBody(request, maxDocumentBytes, async (bytes) => void pieces.push(bytes));
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * Decodes a body and verifies everything the client said of it: length, payload hash, chunk signatures, Content-MD5,
 * x-amz-checksum-* in header or trailer. Nothing handed to `onData` may be used unless this resolves.
 * @throws S3Error `BadDigest`, `EntityTooLarge`, `IncompleteBody`, `InvalidDigest`, `InvalidRequest`,
 * `MissingContentLength`, `SignatureDoesNotMatch`, `XAmzContentSHA256Mismatch`
 */
async function readBody(
  request: S3Request,
  maxBytes: number,
  onData: (bytes: Buffer) => Promise<void>,
  wanted?: ChecksumAlgorithm,
): Promise<BodyFacts> {
  const payload = parsePayload(request);
  const expectedBytes = declaredLength(request, payload.chunked);
  if (expectedBytes > maxBytes) {
    throw new S3Error('EntityTooLarge', `The body may have at most ${maxBytes} bytes.`);
  }
  const declared = declaredChecksum(request);
  const algorithm = declared?.algorithm ?? wanted;
  const checksum = algorithm && createChecksum(algorithm);
  const md5 = createHash('md5');
  // Often the same digest twice, as the payload hash and as the checksum.
  const sharesHash = algorithm === 'SHA256' || payload.sha256 === undefined;
  const payloadHash = sharesHash ? undefined : createChecksum('SHA256');
  let sizeBytes = 0;

  const take = async (bytes: Buffer): Promise<void> => {
    sizeBytes += bytes.length;
    if (sizeBytes > expectedBytes) throw incomplete(expectedBytes, 'more');
    md5.update(bytes);
    payloadHash?.update(bytes);
    checksum?.update(bytes);
    await onData(bytes);
  };

  let trailer = new Map<string, string>();
  if (payload.chunked) {
    const signing = payload.signed ? request.signing : undefined;
    trailer = await decodeChunkedBody(request.body, signing, take);
  } else {
    for await (const bytes of request.body) await take(bytes);
  }
  if (sizeBytes < expectedBytes) throw incomplete(expectedBytes, 'fewer');
  const raw = checksum?.digest();
  const payloadSha256 = (payloadHash?.digest() ?? raw)?.toString('hex');
  if (payload.sha256 !== undefined && payloadSha256 !== payload.sha256) {
    throw new S3Error(
      'XAmzContentSHA256Mismatch',
      'The provided x-amz-content-sha256 header does not match what was received.',
    );
  }
  const facts = { md5: md5.digest(), sizeBytes };
  assertContentMd5(request.headers['content-md5'], facts.md5);
  if (!algorithm || !raw) return facts;
  if (declared)
    assertChecksum(algorithm, declared.value ?? trailer.get(checksumHeader(algorithm)), raw);
  return { ...facts, checksum: { algorithm, raw } };
}

interface Payload {
  readonly chunked: boolean;
  readonly signed: boolean;
  readonly sha256?: string;
}

function parsePayload(request: S3Request): Payload {
  const value = request.headers['x-amz-content-sha256'];
  switch (value) {
    case 'UNSIGNED-PAYLOAD':
      return { chunked: false, signed: false };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { chunked: true, signed: false };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { chunked: true, signed: true };
    default:
      if (value !== undefined && /^[0-9a-f]{64}$/.test(value)) {
        return { chunked: false, signed: true, sha256: value };
      }
      throw new S3Error(
        'InvalidRequest',
        'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- scheme this server knows, or a SHA-256 in hex.',
      );
  }
}

function declaredLength(request: S3Request, chunked: boolean): number {
  const name = chunked ? 'x-amz-decoded-content-length' : 'content-length';
  const text = request.headers[name];
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new S3Error('MissingContentLength', `You must provide the ${name} header.`);
}

/** The checksum announced in the head: with its value, or to come in the trailer. */
function declaredChecksum(
  request: S3Request,
): { algorithm: ChecksumAlgorithm; value?: string } | undefined {
  const given = Object.entries(request.headers).flatMap(([name, value]) => {
    const algorithm = algorithmOfHeader(name);
    return algorithm && value !== undefined ? [{ algorithm, value }] : [];
  });
  if (given.length > 1) {
    throw new S3Error('InvalidRequest', 'Expecting a single x-amz-checksum- header.');
  }
  const trailing = (request.headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => algorithmOfHeader(name.trim().toLowerCase()))
    .find((algorithm) => algorithm !== undefined);
  const declared = given[0] ?? (trailing && { algorithm: trailing });
  const announced = request.headers['x-amz-sdk-checksum-algorithm'];
  if (announced !== undefined && declared?.algorithm !== parseChecksumAlgorithm(announced)) {
    throw new S3Error(
      'InvalidRequest',
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  return declared;
}

function assertChecksum(
  algorithm: ChecksumAlgorithm,
  value: string | undefined,
  raw: Buffer,
): void {
  if (value === undefined) {
    throw new S3Error(
      'MalformedTrailerError',
      `The trailer announced in x-amz-trailer, ${checksumHeader(algorithm)}, did not come.`,
    );
  }
  assertChecksumValue(algorithm, value);
  if (value === raw.toString('base64')) return;
  throw new S3Error('BadDigest', `The ${algorithm} you specified did not match what we received.`);
}

function assertContentMd5(value: string | undefined, md5: Buffer): void {
  if (value === undefined) return;
  if (Buffer.from(value, 'base64').length !== md5.length) {
    throw new S3Error('InvalidDigest', 'The Content-MD5 you specified is not valid.');
  }
  if (value === md5.toString('base64')) return;
  throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.');
}

function incomplete(expectedBytes: number, relation: 'more' | 'fewer'): S3Error {
  return new S3Error(
    'IncompleteBody',
    `The body has ${relation} than the ${expectedBytes} bytes its header announced.`,
  );
}
