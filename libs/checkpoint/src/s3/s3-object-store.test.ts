import { randomBytes } from 'node:crypto';
import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { setImmediate as tick } from 'node:timers/promises';
import { CreateMultipartUploadCommand, S3Client, UploadPartCommand } from '@aws-sdk/client-s3';
import { faultsFor, startHttpProxy, type HttpFault } from '@berth/faults';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeObjectStore } from '../testing/object-store-contract.ts';
import { openTestStore, startTestStore, testCredentials } from '../testing/fixtures.ts';
import type { S3ObjectStore } from './s3-object-store.ts';
import type { S3ObjectStoreOptions } from './s3-options.ts';

const mebibyte = 2 ** 20;
const inParts = { multipartThresholdBytes: 5 * mebibyte, partSizeBytes: 5 * mebibyte };
const large = randomBytes(11 * mebibyte);

describeObjectStore('S3', async () => {
  const { store, endpoint } = await startTestStore();
  const { accessKeyId, secretAccessKey } = testCredentials;
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  onTestFinished(() => client.destroy());
  return {
    store,
    async leaveUpload(key) {
      const target = { Bucket: 'box', Key: `team/${key}` };
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
      const part = { ...target, UploadId, PartNumber: 1, Body: Buffer.from('half') };
      await client.send(new UploadPartCommand(part));
    },
  };
});

async function startWithFaults(
  faultOf: (request: IncomingMessage) => HttpFault,
  options: Partial<S3ObjectStoreOptions> = {},
): Promise<{ store: S3ObjectStore; direct: S3ObjectStore; folder: string }> {
  const { store: direct, endpoint, folder } = await startTestStore();
  const proxy = await startHttpProxy(endpoint, faultOf);
  onTestFinished(() => proxy.close());
  return { store: openTestStore(proxy.url, options), direct, folder };
}

function isPut({ method, url = '' }: IncomingMessage): boolean {
  return method === 'PUT' && url.includes('/team/');
}

function isComplete({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.includes('uploadId=');
}

function withCode(code: string): unknown {
  return expect.objectContaining({ code });
}

describe('an S3 object store', () => {
  it('keeps its keys below its prefix', async () => {
    const { store, endpoint } = await startTestStore();
    await store.put('k', Buffer.from('x'));
    const whole = openTestStore(endpoint, { prefix: '' });
    expect((await whole.list('')).map(({ key }) => key)).toEqual(['team/k']);
    expect(store.describe()).toBe(`${endpoint}/box/team/`);
    expect(whole.describe()).toBe(`${endpoint}/box/`);
  });

  it('takes a file, small or in parts, and not one that is not there', async () => {
    const { store, folder } = await startTestStore(inParts);
    const path = join(folder, '..', 'file');
    for (const bytes of [large, large.subarray(0, 1000), new Uint8Array()]) {
      await writeFile(path, bytes);
      await store.putFile('k', path);
      const stored = await store.get('k', { maxBytes: large.byteLength });
      expect(Buffer.compare(stored, bytes)).toBe(0);
    }
    await expect(store.putFile('none', join(folder, 'none'))).rejects.toThrow('ENOENT');
    expect(await store.listUploads('')).toEqual([]);
  });

  it('makes its bucket once, also when several make it', async () => {
    const { endpoint } = await startTestStore();
    const stores = Array.from({ length: 5 }, () => openTestStore(endpoint, { bucket: 'fresh' }));
    await Promise.all(stores.map((store) => store.ensureBucket()));
    await stores[0]?.put('k', Buffer.from('x'));
    expect(await stores[1]?.head('k')).toBeDefined();
  });

  it('lists more than a page', async () => {
    const { store, folder } = await startTestStore();
    await store.put('many/0000', Buffer.from('x'));
    const names = Array.from({ length: 1500 }, (_, index) => String(index).padStart(4, '0'));
    await Promise.all(names.map((name) => writeFile(join(folder, 'many', name), 'x')));
    expect((await store.list('many/')).map(({ key }) => key)).toEqual(
      names.map((name) => `many/${name}`),
    );
  });

  it('is created without a warning of the SDK about the Node.js version', async () => {
    const warnings: Error[] = [];
    const collect = (warning: Error): void => void warnings.push(warning);
    process.on('warning', collect);
    openTestStore('http://127.0.0.1:9');
    await tick();
    process.off('warning', collect);
    expect(warnings).toEqual([]);
  });
});

describe('failures that pass', () => {
  it.each([
    ['a busy service', { status: 503, code: 'SlowDown' }],
    ['an internal error', { status: 500, code: 'InternalError' }],
    [
      'a conflict of racing conditional writes',
      { status: 409, code: 'ConditionalRequestConflict' },
    ],
    ['a body damaged on the way', { status: 400, code: 'BadDigest' }],
    ['a cut connection', 'reset'],
    ['no answer', 'hang'],
  ] as const)('are repeated: %s', async (_, fault) => {
    const { store, direct } = await startWithFaults(faultsFor(isPut, fault), {
      requestTimeoutMs: 300,
    });
    expect(await store.put('k', Buffer.from('x'), { ifAbsent: true })).toBe('written');
    expect(Buffer.from(await direct.get('k')).toString()).toBe('x');
  });

  it('are repeated: a conditional write whose answer was lost counts as written', async () => {
    const { store } = await startWithFaults(faultsFor(isPut, 'loseReply'));
    expect(await store.put('k', Buffer.from('ours'), { ifAbsent: true })).toBe('written');
    expect(await store.put('k', Buffer.from('theirs'), { ifAbsent: true })).toBe('exists');
  });

  it('are repeated: an answer that cannot be read, wherever it was damaged', async () => {
    const isList = ({ url = '' }: IncomingMessage): boolean => url.includes('list-type=2');
    let isFirst = true;
    const { store, direct } = await startWithFaults((request) => {
      const fault = isList(request) && isFirst ? 'flipBit' : 'pass';
      if (isList(request)) isFirst = !isFirst;
      return fault;
    });
    for (let length = 1; length <= 12; length++) {
      await direct.put('k'.repeat(length), Buffer.from('x'));
      isFirst = true;
      // A bit of a name that flips gives another name, which no checksum tells.
      expect((await store.list('k')).length).toBeGreaterThan(0);
    }
  });

  it('end at the deadline with STORE_UNREACHABLE, saying what and where but no secret', async () => {
    const { store } = await startWithFaults(() => 'reset', { deadlineMs: 500 });
    const error: unknown = await store.get('some/key').catch((thrown: unknown) => thrown);
    expect(error).toEqual(withCode('STORE_UNREACHABLE'));
    expect(String(error)).toContain('GET some/key');
    expect(String(error)).toContain(store.describe());
    expect(String(error)).not.toContain(testCredentials.secretAccessKey);
  });

  it('end when the caller aborts', async () => {
    const controller = new AbortController();
    const hang = (): HttpFault => {
      controller.abort(new Error('stopping'));
      return 'hang';
    };
    const { store } = await startWithFaults(hang);
    await expect(store.get('k', { signal: controller.signal })).rejects.toThrow('stopping');
  });
});

describe('failures that stay', () => {
  it('of credentials are refused at once, without showing them', async () => {
    const { endpoint } = await startTestStore();
    const store = openTestStore(endpoint, { secretAccessKey: 'wrong-secret' });
    const error: unknown = await store
      .put('k', Buffer.from('x'))
      .catch((thrown: unknown) => thrown);
    expect(error).toEqual(withCode('STORE_REFUSED'));
    expect(String(error)).toContain('SignatureDoesNotMatch');
    expect(String(error)).not.toContain('wrong-secret');
  });

  it('of a missing bucket are STORE_NOT_FOUND', async () => {
    const { endpoint } = await startTestStore();
    const store = openTestStore(endpoint, { bucket: 'absent' });
    await expect(store.put('k', Buffer.from('x'))).rejects.toThrow(withCode('STORE_NOT_FOUND'));
    await expect(store.list('')).rejects.toThrow(withCode('STORE_NOT_FOUND'));
  });

  it('of bytes that rotted in the store are STORE_CORRUPT', async () => {
    const { store, folder } = await startTestStore();
    await store.put('k', Buffer.from('sound'));
    const path = join(folder, 'k');
    const { atime, mtime } = await stat(path);
    await writeFile(path, 'sOund');
    await utimes(path, atime, mtime);
    await expect(store.get('k')).rejects.toThrow(withCode('STORE_CORRUPT'));
  });

  it.each([
    { status: 507, code: 'XMinioStorageFull' },
    { status: 507, code: 'InsufficientStorage' },
    { status: 403, code: 'QuotaExceeded' },
  ])('of space are STORE_FULL at once: $status $code', async (fault) => {
    const { store } = await startWithFaults(faultsFor(isPut, fault));
    await expect(store.put('k', Buffer.from('x'))).rejects.toThrow(withCode('STORE_FULL'));
    expect(await store.put('k', Buffer.from('x'))).toBe('written');
  });
});

describe('a large object', () => {
  it('goes in parts and comes back whole', async () => {
    const { store, direct } = await startWithFaults(() => 'pass', inParts);
    expect(await store.put('big', large)).toBe('written');
    expect(large.equals(await direct.get('big'))).toBe(true);
  });

  it('is written under ifAbsent once, leaving no upload behind', async () => {
    const { store, folder } = await startWithFaults(() => 'pass', inParts);
    const other = randomBytes(large.length);
    expect(await store.put('big', large, { ifAbsent: true })).toBe('written');
    expect(await store.put('big', other, { ifAbsent: true })).toBe('exists');
    expect(await store.put('big', large, { ifAbsent: true })).toBe('written');
    expect(await readdir(join(folder, '../../.berth/uploads'))).toEqual([]);
  });

  it.each([
    ['a lost answer to its completion', isComplete, 'loseReply'],
    [
      'a conflict at its completion',
      isComplete,
      { status: 409, code: 'ConditionalRequestConflict' },
    ],
    ['a lost answer to a part', isPut, 'loseReply'],
    ['a cut part', isPut, 'reset'],
  ] as const)('survives %s', async (_, matches, fault) => {
    const { store, direct } = await startWithFaults(faultsFor(matches, fault), inParts);
    expect(await store.put('big', large, { ifAbsent: true })).toBe('written');
    expect(large.equals(await direct.get('big'))).toBe(true);
  });

  it('is given up whole when a part is refused', async () => {
    const refuseSecond = faultsFor(({ url = '' }) => url.includes('partNumber=2'), {
      status: 403,
      code: 'AccessDenied',
    });
    const { store, folder } = await startWithFaults(refuseSecond, inParts);
    await expect(store.put('big', large)).rejects.toThrow(withCode('STORE_REFUSED'));
    expect(await store.head('big')).toBeUndefined();
    expect(await readdir(join(folder, '../../.berth/uploads'))).toEqual([]);
  });
});
