import { statSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import { silentLogger } from '@berth/contracts';
import { startHttpProxy } from '@berth/faults';
import { redisServerPrograms, startRedisServer } from '@berth/queue';
import { startS3Server } from '@berth/s3-server';
import { temporaryFolder } from '@berth/testing';
import { describe, expect, it } from 'vitest';
import { berth } from '../testing/berth-process.ts';
import { deviceFindings, sumsFinding } from './check-device.ts';
import { isInRange } from './check-machine.ts';
import { checkBucket, checkQueue } from './check-services.ts';
import type { Finding } from './finding.ts';

const credentials = { accessKeyId: 'doctor', secretAccessKey: 'doctor-secret' };

describe('berth doctor', () => {
  it('prints findings as JSON, with exit code 6 when one fails', async () => {
    const { path: folder } = await temporaryFolder();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const env = { BERTH_HTTP_PORT: String(port) };
    const { exitCode, stdout, stderr } = await berth(['doctor', '--json'], { folder, env });
    taken.close();
    taken.closeAllConnections();
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const verdicts = Object.fromEntries(findings.map(({ name, verdict }) => [name, verdict]));
    expect(verdicts).toMatchObject({ node: 'ok', tensorflow: 'ok', redis: 'ok', port: 'fail' });
    expect(verdicts).toHaveProperty('sums');
    expect(findings.find(({ name }) => name === 'port')?.detail).toContain(
      `HTTP cannot listen on 127.0.0.1:${port}: another program has that port`,
    );
    expect({ exitCode, stderr }).toEqual({
      exitCode: 6,
      stderr: expect.stringContaining('port must be put right') as string,
    });
  });

  it('names a variable that would change the bits, and what is in it', async () => {
    const { path: folder } = await temporaryFolder();
    const env = { TF_XLA_FLAGS: '--tf_xla_auto_jit=2' };
    const { stdout } = await berth(['doctor', '--json'], { folder, env });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const finding = findings.find(({ name }) => name === 'tensorflow');
    expect(finding?.verdict).toBe('fail');
    expect(finding?.detail).toContain(
      'TF_XLA_FLAGS is "--tf_xla_auto_jit=2", which changes the bits of a run',
    );
  });

  it('finds Redis that may evict, that does not keep its data, and that is not there', async () => {
    const server = await startRedisServer({ programs: redisServerPrograms(process.env) });
    expect(await checkQueue(server.url, {})).toMatchObject([
      { name: 'redis', verdict: 'warn', detail: expect.stringContaining('appendonly') as string },
      { name: 'redis clock', verdict: 'ok' },
    ]);
    await server.stop();
    expect(await checkQueue(server.url, {})).toMatchObject([{ name: 'redis', verdict: 'fail' }]);
  });

  it('tells a bucket that works from one that is missing and from wrong credentials', async () => {
    const { path: folder } = await temporaryFolder();
    const server = await startS3Server({ folder, port: 0, ...credentials, logger: silentLogger });
    const s3 = { endpoint: server.endpoint, region: 'us-east-1', bucket: 'there', prefix: '' };
    const missing = await checkBucket({ ...s3, ...credentials });
    expect(missing).toMatchObject([{ verdict: 'warn' }]);
    expect(missing[0]?.detail).toContain('The coordinator makes the bucket');

    const store = createS3ObjectStore({ ...s3, ...credentials }, silentLogger);
    await store.ensureBucket();
    expect(await checkBucket({ ...s3, ...credentials })).toMatchObject([
      { name: 'bucket', verdict: 'ok' },
      { name: 'store clock', verdict: 'ok' },
    ]);
    expect(await store.list('')).toEqual([]);
    const wrong = await checkBucket({ ...s3, ...credentials, secretAccessKey: 'wrong' });
    expect(wrong).toMatchObject([{ verdict: 'fail' }]);
    expect(wrong[0]?.detail).toContain('Check the access key');
    store.close();
    await server.close();
  });

  it('names what a service lacks, and what that means', async () => {
    const { path: folder } = await temporaryFolder();
    const server = await startS3Server({ folder, port: 0, ...credentials, logger: silentLogger });
    const place = { region: 'us-east-1', bucket: 'there', prefix: 'team', ...credentials };
    const store = createS3ObjectStore({ ...place, endpoint: server.endpoint }, silentLogger);
    await store.ensureBucket();
    const proxy = await startHttpProxy(server.endpoint, ({ method = '', headers, url = '' }) => {
      const key = decodeURIComponent(url.replace(/^\/there\/team\/|[?].*/g, ''));
      // One that knows no conditions replaces what is there.
      if (headers['if-none-match'] !== undefined)
        return { after: () => store.delete(key).catch(() => undefined) };
      return method === 'POST' ? { status: 501, code: 'NotImplemented' } : 'pass';
    });
    const findings = await checkBucket({ ...place, endpoint: proxy.url });
    expect(findings.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual([
      'bucket: ok',
      'bucket conditional put: warn',
      'bucket conditional upload in parts: warn',
      'bucket upload in parts: fail',
      'store clock: ok',
    ]);
    const [bucket, condition, , parts] = findings;
    expect(bucket?.detail).toMatch(/delete, checksums, listing in order, range reads$/);
    expect(condition?.detail).toMatch(/^it ignores If-None-Match: a run stays safe/);
    expect(parts?.detail).toMatch(/^it answers 501 NotImplemented: a file of more than 100 MiB/);
    expect(await store.list('')).toEqual([]);
    expect(await store.listUploads('')).toEqual([]);
    await proxy.close();
    store.close();
    await server.close();
  });

  it('judges Node releases and devices', () => {
    expect(['20.19.0', '26.12.1'].map((version) => isInRange(version, '>=20.19 <27'))).toEqual([
      true,
      true,
    ]);
    expect(['20.18.0', '27.0.0'].some((version) => isInRange(version, '>=20.19 <27'))).toBe(false);
    const numerics = { tensorflow: '2.21.0', device: 'cpu', kernels: 'avx2', numThreads: 1 };
    expect(deviceFindings({ gpus: ['NVIDIA H100'], numerics })[1]).toMatchObject({
      verdict: 'warn',
      detail: expect.stringContaining('--gpu') as string,
    });
    const unshared = 'npm run setup makes it';
    expect(sumsFinding({ kernels: 'wasm', unshared })).toMatchObject({
      verdict: 'warn',
      detail: expect.stringMatching(/^wasm kernels.* npm run setup/) as string,
    });
  });
});

describe('berth init', () => {
  it('writes secrets for their owner only, and never replaces them unasked', async () => {
    const { path: folder } = await temporaryFolder();
    const init = (...more: string[]): ReturnType<typeof berth> =>
      berth(['init', '--folder', folder, ...more], { folder });
    const file = join(folder, '.env');
    expect((await init()).exitCode).toBe(0);
    const first = readFileSync(file, 'utf8');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    for (const name of ['S3_ACCESS_KEY', 'S3_SECRET_KEY', 'SECRET', 'API_TOKEN'])
      expect(first).toMatch(new RegExp(`^BERTH_${name}=[-\\w]{16,}$`, 'm'));
    const again = await init();
    expect(again.exitCode).toBe(5);
    expect(again.stderr).toContain('was not changed');
    expect(readFileSync(file, 'utf8')).toBe(first);
    writeFileSync(file, 'old', { mode: 0o644 });
    expect((await init('--force')).exitCode).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toBe(first);
  });
});
