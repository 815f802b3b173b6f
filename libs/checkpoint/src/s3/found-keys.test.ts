import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@berth/contracts';
import { startHttpProxy } from '@berth/faults';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startTestStore, testCredentials } from '../testing/fixtures.ts';
import { createS3ObjectStore, type S3ObjectStore } from './s3-object-store.ts';

const { accessKeyId, secretAccessKey } = testCredentials;
const soon = (): string => new Date(Date.now() + 30_000).toISOString();

/**
 * What gives out temporary keys elsewhere, on loopback: the token service, a container's and a machine's metadata. Every set
 * of keys has a token of its own and expires within the minute, so that new ones are fetched at once.
 */
async function startKeyService(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path}`);
    const token = `token-${asked.length}`;
    const role = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: token };
    if (path === '/') {
      response.setHeader('Content-Type', 'text/xml');
      const keys = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>`;
      const credentials = `<Credentials>${keys}<SessionToken>${token}</SessionToken><Expiration>${soon()}</Expiration></Credentials>`;
      const of = (name: string): string =>
        `<${name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${name}Result>${credentials}</${name}Result></${name}Response>`;
      request.setEncoding('utf8').on('data', (body: string) => {
        const [, action = 'AssumeRole'] = /Action=(\w+)/.exec(body) ?? [];
        response.end(of(action));
      });
      return;
    }
    if (path === '/latest/api/token') response.end('imds-token');
    else if (path.endsWith('/security-credentials/')) response.end('a-role');
    else response.end(JSON.stringify({ ...role, Code: 'Success', Expiration: soon() }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-keys-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Nothing of this machine's own, and what a test adds. */
function useEnvironment(folder: string, more: Readonly<Record<string, string | undefined>>): void {
  const environment = {
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_EC2_METADATA_DISABLED: undefined,
    AWS_PROFILE: undefined,
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_REGION: 'us-east-1',
    ...more,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

async function openStore(): Promise<{ store: S3ObjectStore; tokens: string[] }> {
  const { endpoint } = await startTestStore();
  const tokens: string[] = [];
  const proxy = await startHttpProxy(endpoint, ({ headers }) => {
    tokens.push(String(headers['x-amz-security-token'] ?? 'none'));
    return 'pass';
  });
  onTestFinished(() => proxy.close());
  const place = { endpoint: proxy.url, region: 'us-east-1', bucket: 'box', prefix: 'team' };
  const store = createS3ObjectStore({ ...place, deadlineMs: 5_000 }, silentLogger);
  onTestFinished(() => store.close());
  return { store, tokens };
}

describe('keys that nobody has named', () => {
  it('come from a credentials file', async () => {
    const folder = await emptyFolder();
    const keys = `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}`;
    await writeFile(join(folder, 'credentials'), `[lab]\n${keys}\naws_session_token=stored\n`);
    useEnvironment(folder, { AWS_PROFILE: 'lab' });
    const { store, tokens } = await openStore();
    await store.put('k', Buffer.from('x'));
    expect(tokens).toEqual(['stored']);
  });

  it.each([
    ['a role of a profile', { AWS_PROFILE: 'lab' }],
    ['a web identity', { AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/pod', AWS_PROFILE: '' }],
    ['the role of a container', { AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod' }],
  ])('come from %s, and are renewed before they expire', async (what, environment) => {
    const folder = await emptyFolder();
    const service = await startKeyService();
    const keys = `aws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}`;
    await writeFile(join(folder, 'credentials'), `[base]\n${keys}\n`);
    const role = 'role_arn=arn:aws:iam::123456789012:role/lab\nsource_profile=base';
    await writeFile(join(folder, 'config'), `[profile lab]\n${role}\nregion=us-east-1\n`);
    await writeFile(join(folder, 'token'), 'web identity token');
    useEnvironment(folder, {
      AWS_ENDPOINT_URL_STS: service.url,
      ...(what.includes('web') && { AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token') }),
      ...(what.includes('container') && {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${service.url}/container`,
      }),
      ...environment,
    });
    const { store, tokens } = await openStore();
    await store.put('k', Buffer.from('x'));
    const numTokens = async (): Promise<number> => {
      await store.get('k');
      return new Set(tokens).size;
    };
    await expect.poll(numTokens).toBeGreaterThan(1);
    expect(tokens.every((token) => token.startsWith('token-'))).toBe(true);
  });

  it('are not asked of the machine where the service is not of AWS, unless that is wanted', async () => {
    const folder = await emptyFolder();
    const { url, asked } = await startKeyService();
    useEnvironment(folder, { AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
    const { store } = await openStore();
    await expect(store.list('')).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    expect(asked).toEqual([]);
    useEnvironment(folder, {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
      AWS_EC2_METADATA_DISABLED: 'false',
    });
    const wanted = await openStore();
    await wanted.store.put('k', Buffer.from('x'));
    expect(asked).toContain('PUT /latest/api/token');
    expect(wanted.tokens).not.toContain('none');
  });

  it('are asked of the machine where the bucket is one of AWS', async () => {
    const folder = await emptyFolder();
    const { url, asked } = await startKeyService();
    // The answer is not waited for: there is no way to AWS from here.
    useEnvironment(folder, { AWS_EC2_METADATA_SERVICE_ENDPOINT: url });
    const store = createS3ObjectStore(
      { bucket: 'berth-test', region: 'eu-north-1', deadlineMs: 2_000, requestTimeoutMs: 1_000 },
      silentLogger,
    );
    onTestFinished(() => store.close());
    void store.list('').catch(() => undefined);
    await expect.poll(() => asked).toContain('PUT /latest/api/token');
  });
});
