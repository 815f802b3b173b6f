import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { onTestFinished } from 'vitest';
import { startS3Server } from '../server.ts';

const testCredentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-s3-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A server over a fresh folder with an empty bucket, and a real client; all gone when the test ends. */
export async function startTestServer(folder?: string): Promise<{
  folder: string;
  endpoint: string;
  client: S3Client;
  close: () => Promise<void>;
}> {
  const root = folder ?? (await temporaryFolder());
  const server = await startS3Server({ folder: root, ...testCredentials });
  const client = createTestClient(server.endpoint);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    client.destroy();
    closed ??= server.close();
    return closed;
  };
  onTestFinished(close);
  return { folder: root, endpoint: server.endpoint, client, close };
}

export function createTestClient(endpoint: string, secretAccessKey?: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { ...testCredentials, ...(secretAccessKey !== undefined && { secretAccessKey }) },
  });
}

export interface RawRequest {
  readonly method: string;
  /** Already encoded, without query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

/** What signs the chunks of an aws-chunked body. */
export interface ChunkSigner {
  readonly chunk: (previous: string, data: Buffer) => string;
  readonly trailer: (previous: string, text: string) => string;
  readonly seed: string;
}

/** Signs a request head by hand, so that a test may then break it. */
export function signRequest(
  endpoint: string,
  request: RawRequest,
): { headers: Record<string, string>; signer: ChunkSigner } {
  const timestamp = new Date().toISOString().replace(/[:-]|\.\d+/g, '');
  const headers: Record<string, string> = {
    host: new URL(endpoint).host,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': timestamp,
    ...request.headers,
  };
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => hmac(secret, part),
      `AWS4${testCredentials.secretAccessKey}`,
    );
  const names = Object.keys(headers).sort();
  const canonical = [
    request.method,
    request.path,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'],
  ].join('\n');
  const sign = (kind: string, ...lines: string[]): string =>
    hmac(key, [`AWS4-HMAC-SHA256${kind}`, timestamp, scope, ...lines].join('\n')).toString('hex');
  const seed = sign('', sha256(canonical));
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${testCredentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${seed}`;
  return {
    headers,
    signer: {
      seed,
      chunk: (previous, data) => sign('-PAYLOAD', previous, sha256(''), sha256(data)),
      trailer: (previous, text) => sign('-TRAILER', previous, sha256(text)),
    },
  };
}

/** Sends a raw request, signed by hand. */
export async function sendRaw(
  endpoint: string,
  request: RawRequest,
): Promise<{ status: number; code: string | undefined; text: string; headers: Headers }> {
  const { headers } = signRequest(endpoint, request);
  return sendAsIs(endpoint, { ...request, headers });
}

/** Sends a raw request with exactly these headers. */
export async function sendAsIs(
  endpoint: string,
  { method, path, headers, body }: RawRequest,
): Promise<{ status: number; code: string | undefined; text: string; headers: Headers }> {
  const { host: _host, ...rest } = headers ?? {};
  const response = await fetch(endpoint + path, {
    method,
    headers: rest,
    ...(body && { body: new Uint8Array(body) }),
  });
  const text = await response.text();
  const code = /<Code>(.*)<\/Code>/.exec(text)?.[1];
  return { status: response.status, code, text, headers: response.headers };
}

export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
