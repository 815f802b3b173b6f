import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { clusterSecret, clusterToken } from './cluster-secret.ts';

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder.remove());
  return folder.path;
}

describe('clusterSecret', () => {
  it('is made once per folder, for its owner only', async () => {
    const [one, other] = [await newFolder(), await newFolder()];
    const secret = clusterSecret(one, {});
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    expect(clusterSecret(one, {})).toBe(secret);
    expect(clusterSecret(other, {})).not.toBe(secret);
    expect(statSync(join(one, 'peer-secret')).mode & 0o777).toBe(0o600);
  });

  it('is the one that the environment names', async () => {
    const folder = await newFolder();
    const file = join(folder, 'named');
    writeFileSync(file, 'written in a file here\n');
    const made = clusterSecret(folder, {});
    expect(clusterSecret(folder, { BERTH_SECRET: 'of the environment' })).toBe(
      'of the environment',
    );
    expect(clusterSecret(folder, { BERTH_SECRET_FILE: file })).toBe('written in a file here');
    expect(readFileSync(join(folder, 'peer-secret'), 'utf8').trim()).toBe(made);
  });
});

describe('clusterToken', () => {
  it('is made once per folder, for its owner only, unless the environment names one', async () => {
    const folder = await newFolder();
    const token = clusterToken(folder, {});
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(clusterToken(folder, { BERTH_API_TOKEN: '' })).toBe(token);
    expect(clusterToken(folder, { BERTH_API_TOKEN: 'of the environment' })).toBe(
      'of the environment',
    );
    expect(statSync(join(folder, 'api-token')).mode & 0o777).toBe(0o600);
  });

  it.skipIf(process.getuid?.() !== 0)('is not one that another user has left there', async () => {
    const folder = await newFolder();
    const file = join(folder, 'api-token');
    writeFileSync(file, 'known to somebody else');
    chownSync(file, 65_534, 65_534);
    expect(() => clusterToken(folder, {})).toThrow(`${file} belongs to another user`);
  });
});
