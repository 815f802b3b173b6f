import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@berth/contracts';
import { startHttpProxy } from '@berth/faults';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { startTestStore, testCredentials } from '../testing/fixtures.ts';
import { createS3ObjectStore, type S3ObjectStore } from './s3-object-store.ts';

/** A store that is given no keys, and the session tokens that its requests carry. */
async function openKeyless(): Promise<{ store: S3ObjectStore; tokens: string[] }> {
  const { endpoint } = await startTestStore();
  const tokens: string[] = [];
  const proxy = await startHttpProxy(endpoint, ({ headers }) => {
    tokens.push(String(headers['x-amz-security-token'] ?? 'none'));
    return 'pass';
  });
  onTestFinished(() => proxy.close());
  const place = { endpoint: proxy.url, region: 'us-east-1', bucket: 'box', prefix: 'team' };
  const store = createS3ObjectStore(place, silentLogger);
  onTestFinished(() => store.close());
  return { store, tokens };
}

/** An environment in which AWS's chain finds only a profile of this name, whose keys a program makes. */
async function useProfile(program: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-profile-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const script = join(folder, 'keys.sh');
  await writeFile(script, `#!/bin/sh\n${program}\n`);
  await chmod(script, 0o755);
  await writeFile(join(folder, 'config'), `[profile lab]\ncredential_process = ${script}\n`);
  await writeFile(join(folder, 'credentials'), '');
  for (const [name, value] of Object.entries({
    AWS_PROFILE: 'lab',
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
  }))
    vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

describe('keys of a store', () => {
  it('may be temporary: each request carries their token', async () => {
    const { endpoint } = await startTestStore();
    const tokens = new Set<unknown>();
    const proxy = await startHttpProxy(endpoint, ({ headers }) => {
      tokens.add(headers['x-amz-security-token']);
      return 'pass';
    });
    onTestFinished(() => proxy.close());
    const place = { endpoint: proxy.url, region: 'us-east-1', bucket: 'box', prefix: '' };
    const keys = { ...testCredentials, sessionToken: 'token-1' };
    const store = createS3ObjectStore({ ...place, ...keys }, silentLogger);
    onTestFinished(() => store.close());
    await store.put('k', Buffer.from('x'), { ifAbsent: true });
    expect(Buffer.from(await store.get('k')).toString()).toBe('x');
    await store.list('');
    await store.delete('k');
    expect([...tokens]).toEqual(['token-1']);
    expect(Math.abs(store.clockAheadMs() ?? Infinity)).toBeLessThan(60_000);
  });

  it('come from a profile, and are renewed before they expire', async () => {
    // They expire so soon that new ones are fetched at once.
    await useProfile(
      'now=$(date -u -d "+30 seconds" +%Y-%m-%dT%H:%M:%SZ); token=$(cat /proc/sys/kernel/random/uuid); ' +
        `printf '{"Version":1,"AccessKeyId":"${testCredentials.accessKeyId}",` +
        `"SecretAccessKey":"${testCredentials.secretAccessKey}","SessionToken":"%s","Expiration":"%s"}' "$token" "$now"`,
    );
    const { store, tokens } = await openKeyless();
    await store.put('k', Buffer.from('x'));
    // New keys are fetched beside requests, which go on with the old ones.
    const numKeys = async (): Promise<number> => {
      await store.get('k');
      return new Set(tokens).size;
    };
    await expect.poll(numKeys).toBeGreaterThan(1);
    expect(tokens).not.toContain('none');
  });

  it('that are found nowhere are asked for at once', async () => {
    await useProfile('exit 1');
    const { store, tokens } = await openKeyless();
    await expect(store.list('')).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(/Set AWS_ACCESS_KEY_ID and .*AWS_PROFILE.* role/) as string,
    });
    expect(tokens).toEqual([]);
  });
});

describe('a bucket without an endpoint', () => {
  it('is one of AWS, in the region that is set', async () => {
    const place = { bucket: 'berth-test', region: 'eu-north-1', prefix: 'p', ...testCredentials };
    const store = createS3ObjectStore({ ...place }, silentLogger);
    onTestFinished(() => store.close());
    expect(store.describe()).toBe('s3://berth-test/p/');
  });

  it('needs a region, and says so at once', async () => {
    await useProfile('exit 1');
    vi.stubEnv('AWS_REGION', undefined);
    const store = createS3ObjectStore({ bucket: 'berth-test', ...testCredentials }, silentLogger);
    onTestFinished(() => store.close());
    await expect(store.list('')).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringMatching(/Set AWS_REGION/) as string,
    });
  });
});
