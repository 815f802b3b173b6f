import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { S3Error } from './errors.ts';

/** The parts of a request that a signature covers; header names in lower case, `path` and `query` as sent. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Who may sign, and when. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a verified request leaves behind to verify the chunks of its body. */
export interface SigningContext {
  readonly signingKey: Buffer;
  /** `20130524T000000Z` */
  readonly timestamp: string;
  /** `20130524/us-east-1/s3/aws4_request` */
  readonly scope: string;
  /** Hex signature of the request head: the seed of the chunk signatures. */
  readonly signature: string;
}

const maxClockSkewMs = 15 * 60_000;
const emptySha256 = createHash('sha256').digest('hex');

/**
 * Verifies a Signature Version 4 `Authorization` header (AWS: "Authenticating Requests", header-based).
 * @throws S3Error `AccessDenied`, `AuthorizationHeaderMalformed`, `InvalidAccessKeyId`, `RequestTimeTooSkewed`,
 * `SignatureDoesNotMatch`
 */
export function verifySignature(
  request: SignedRequest,
  credentials: Credentials,
  nowMs: number,
): SigningContext {
  const authorization = parseAuthorization(request.headers['authorization']);
  const { scope, signedHeaders } = authorization;
  const [date = '', region, service, terminal] = scope.split('/');
  if (!region || service !== 's3' || terminal !== 'aws4_request') {
    malformed(`credential scope ${scope} must be <date>/<region>/s3/aws4_request`);
  }
  if (authorization.accessKeyId !== credentials.accessKeyId) {
    throw new S3Error('InvalidAccessKeyId', 'The access key id you provided does not exist here.');
  }
  const timestamp = request.headers['x-amz-date'] ?? '';
  const timeMs = parseTimestamp(timestamp);
  if (!timestamp.startsWith(date)) malformed('the credential date differs from x-amz-date');
  if (Math.abs(nowMs - timeMs) > maxClockSkewMs) {
    throw new S3Error(
      'RequestTimeTooSkewed',
      `The request time ${timestamp} is more than 15 minutes from the server time ${new Date(nowMs).toISOString()}.`,
    );
  }
  assertHeadersSigned(request, signedHeaders);
  const signingKey = deriveSigningKey(credentials.secretAccessKey, scope);
  const canonical = createHash('sha256').update(canonicalRequest(request, signedHeaders));
  const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${canonical.digest('hex')}`;
  const signature = hmac(signingKey, text).toString('hex');
  assertSameSignature(authorization.signature, signature);
  return { signingKey, timestamp, scope, signature };
}

/** Signature of one chunk of an aws-chunked body, given the one before it. */
export function chunkSignature(
  context: SigningContext,
  previous: string,
  chunkSha256: string,
): string {
  const { signingKey, timestamp, scope } = context;
  const text = [timestamp, scope, previous, emptySha256, chunkSha256].join('\n');
  return hmac(signingKey, `AWS4-HMAC-SHA256-PAYLOAD\n${text}`).toString('hex');
}

/** Signature of the trailing headers of an aws-chunked body; `trailer` is `name:value\n` for each. */
export function trailerSignature(
  context: SigningContext,
  previous: string,
  trailer: string,
): string {
  const { signingKey, timestamp, scope } = context;
  const trailerSha256 = createHash('sha256').update(trailer).digest('hex');
  const text = [timestamp, scope, previous, trailerSha256].join('\n');
  return hmac(signingKey, `AWS4-HMAC-SHA256-TRAILER\n${text}`).toString('hex');
}

/** @throws S3Error `SignatureDoesNotMatch` */
export function assertSameSignature(given: string, expected: string): void {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  if (a.length === b.length && timingSafeEqual(a, b)) return;
  throw new S3Error(
    'SignatureDoesNotMatch',
    'The signature we calculated does not match the one you sent. Check your secret access key and signing method.',
  );
}

function parseAuthorization(header: string | undefined): {
  accessKeyId: string;
  scope: string;
  signedHeaders: string[];
  signature: string;
} {
  if (header === undefined) {
    throw new S3Error('AccessDenied', 'Anonymous access is denied: sign the request.');
  }
  const [algorithm, ...rest] = header.split(' ');
  if (algorithm !== 'AWS4-HMAC-SHA256') malformed('only AWS4-HMAC-SHA256 is accepted');
  const fields = new Map(
    rest
      .join('')
      .split(',')
      .map((field): [string, string] => {
        const equals = field.indexOf('=');
        return [field.slice(0, equals), field.slice(equals + 1)];
      }),
  );
  const credential = fields.get('Credential') ?? malformed('Credential is missing');
  const signedHeaders = fields.get('SignedHeaders') ?? malformed('SignedHeaders is missing');
  const signature = fields.get('Signature') ?? malformed('Signature is missing');
  const slash = credential.indexOf('/');
  return {
    accessKeyId: credential.slice(0, slash),
    scope: credential.slice(slash + 1),
    signedHeaders: signedHeaders.split(';'),
    signature,
  };
}

/** A header left out of the signature could be changed on the way, so the ones that mean something must be in it. */
function assertHeadersSigned(request: SignedRequest, signedHeaders: readonly string[]): void {
  const unsigned = Object.keys(request.headers).filter(
    (name) => (name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.includes(name),
  );
  if (unsigned.length === 0) return;
  throw new S3Error('AccessDenied', `There were headers not signed: ${unsigned.join(', ')}.`);
}

function canonicalRequest(request: SignedRequest, signedHeaders: readonly string[]): string {
  const headers = signedHeaders.map(
    (name) => `${name}:${(request.headers[name] ?? '').trim().replace(/\s+/g, ' ')}\n`,
  );
  return [
    request.method,
    request.path.split('/').map(recode).join('/'),
    canonicalQuery(request.query),
    headers.join(''),
    signedHeaders.join(';'),
    request.headers['x-amz-content-sha256'] ?? '',
  ].join('\n');
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((pair): [string, string] => {
    const equals = pair.indexOf('=');
    return equals < 0
      ? [recode(pair), '']
      : [recode(pair.slice(0, equals)), recode(pair.slice(equals + 1))];
  });
  pairs.sort(([nameA, valueA], [nameB, valueB]) =>
    nameA === nameB ? compare(valueA, valueB) : compare(nameA, nameB),
  );
  return pairs.map(([name, value]) => `${name}=${value}`).join('&');
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Percent-encodes what is not unreserved in RFC 3986, whatever of it the client had already encoded. */
function recode(text: string): string {
  return encodeURIComponent(decodeURIComponent(text)).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function deriveSigningKey(secretAccessKey: string, scope: string): Buffer {
  return scope.split('/').reduce(hmac, Buffer.from(`AWS4${secretAccessKey}`));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function parseTimestamp(timestamp: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  if (!match) malformed('x-amz-date must look like 20130524T000000Z');
  const [year = 0, month = 0, ...rest] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, ...rest);
}

function malformed(why: string): never {
  throw new S3Error(
    'AuthorizationHeaderMalformed',
    `The authorization header is malformed: ${why}.`,
  );
}
