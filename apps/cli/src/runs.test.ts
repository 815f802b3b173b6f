import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createS3ObjectStore,
  shardKey,
  uploadLedgerSegment,
  writeManifest,
} from '@berth/checkpoint';
import {
  parseRunConfig,
  silentLogger,
  type LedgerEntry,
  type RunStatus,
  type Services,
} from '@berth/contracts';
import { createRunService } from '@berth/coordinator/run-service';
import { connectRedis, createRuns } from '@berth/queue';
import { temporaryFolder } from '@berth/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { chooseRun } from '@berth/protocol';
import { globalBatch, ledgerOf } from '@berth/protocol/testing';
import { withServices } from './cluster-access.ts';
import { status } from './commands/status.ts';
import { verifyRunLedger } from './commands/ledger.ts';
import type { Context } from './context.ts';
import { lockFolder } from '@berth/launch';

let context: Context;
let printed: string[];
let said: string[];

beforeEach(async () => {
  const { path: folder } = await temporaryFolder();
  [printed, said] = [[], []];
  context = {
    folder,
    berth: 'berth',
    env: {},
    umask: 0o022,
    logger: silentLogger,
    say: (message) => said.push(message),
    print: (text) => printed.push(text),
  };
});

/** A run as a cluster leaves it that ends or is killed. */
async function leave(runId: string, runStatus: RunStatus): Promise<void> {
  const input = {
    name: runId,
    corpus: { path: '/texts/a.txt' },
    train: { numSteps: 7, globalBatch },
  };
  await withServices(context, async ({ redisUrl, s3 }) => {
    const connection = await connectRedis(redisUrl, { role: 'producer' });
    const store = createS3ObjectStore(s3, silentLogger);
    await createRunService(connection, store).submit(parseRunConfig(input, 'test'), 'trained');
    await createRuns(connection).change(runId, () => ({ status: runStatus, reason: 'so it was' }));
    connection.close();
    store.close();
  });
}

/** The last checkpoint of a run, of which only the ledger is looked at. @returns the key of that */
async function storeLedger(
  { s3 }: Services,
  runId: string,
  entries: readonly LedgerEntry[],
): Promise<string> {
  const store = createS3ObjectStore(s3, silentLogger);
  const line = { runId, attempt: 1, fencingEpoch: 1 };
  const last = entries.at(-1)!;
  const sha256 = '0'.repeat(64);
  const facts = { kind: 'weights', index: 0, sha256 } as const;
  const shard = { ...facts, key: shardKey(line, entries.length, facts), sizeBytes: 1, tensors: [] };
  const segment = await uploadLedgerSegment(store, line, entries.length, entries);
  const manifest = {
    format: 'berth-checkpoint/2' as const,
    runId,
    step: entries.length,
    cursor: last.to,
    seed: 1,
    trainingHash: 'hash',
    datasetId: 'd',
    exampleSetId: 'e',
    numerics: { tensorflow: '2', device: 'cpu', kernels: 'k', numThreads: 1 },
    fencingEpoch: 1,
    ledgerHead: last.head,
    ledger: [segment],
    weightsDigest: sha256,
    model: {},
    shards: [shard],
    createdAtMs: 1,
  };
  await writeManifest(store, 1, manifest, silentLogger);
  store.close();
  return segment.key;
}

describe('runs of a folder from which no cluster runs', () => {
  it('are listed, and nothing goes on running', async () => {
    await leave('first-a', 'running');
    await leave('second', 'completed');
    await status(context, undefined, { json: false });
    expect(printed[0]).toMatch(
      /^first-a +interrupted +0\/7 .*no cluster runs from .*`berth resume first-a` goes on with it$/m,
    );
    expect(printed[0]).toMatch(/^second +completed +0\/7 .*so it was$/m);
    expect(readdirSync(context.folder)).not.toContain('services.pid');
    expect(readdirSync(join(context.folder, 'redis')).join()).not.toContain('.pid');
  });

  it('are shown one by one, by the beginning of their name, with what can be typed next', async () => {
    await leave('first-a', 'running');
    await leave('first-b', 'stopped');
    await status(context, 'first-a', { json: false });
    expect(printed[0]).toMatch(/^first-a: interrupted, no cluster runs/);
    expect(printed[0]).toContain('berth resume first-a');
    expect(printed[0]).not.toContain('berth status');
    await status(context, 'first-b', { json: true });
    expect(JSON.parse(printed[1] ?? '')).toMatchObject({ run: { status: 'stopped' }, step: 0 });
    await expect(status(context, 'fir', { json: false })).rejects.toThrow(
      'Runs that begin with "fir": first-b, first-a',
    );
    await expect(status(context, 'third', { json: false })).rejects.toThrow(
      'There is no run "third"; known runs: first-b, first-a',
    );
    await expect(verifyRunLedger(context, 'third', { json: false })).rejects.toThrow(
      'There is no run "third"; known runs: first-b, first-a',
    );
  });

  it('are read once another process is done in the folder', async () => {
    await leave('only', 'paused');
    const free = lockFolder(context.folder);
    const reading = status(context, 'on', { json: false });
    while (said.length === 0) await new Promise(setImmediate);
    expect(said[0]).toMatch(/^waiting: Process \d+ is starting, running or ending a cluster/);
    free();
    await reading;
    expect(printed[0]).toMatch(/^only: paused, so it was/);
  });
});

describe('a ledger that Redis has lost', () => {
  const entries = ledgerOf(7);
  const verify = (): ReturnType<typeof verifyRunLedger> =>
    verifyRunLedger(context, 'lost', { json: false });

  it.each([
    ['all', 0],
    ['the end', 3],
  ])('%s of it, is verified as the bucket has it', async (_, numInRedis) => {
    await leave('lost', 'completed');
    await withServices(context, async (services) => {
      await storeLedger(services, 'lost', entries);
      await putInRedis(services, entries.slice(0, numInRedis));
    });
    expect(await verify()).toMatchObject({
      ok: true,
      numSteps: 7,
      numExamples: 56,
      head: entries[6]!.head,
      readFrom: 'bucket',
    });
    expect(printed[0]).toContain(
      `read from   the bucket, with checkpoint 7; Redis has ${numInRedis} of its steps`,
    );
    expect(printed[0]).toContain('epochs      the size of some is not known any more');
  });

  it('does not hold where the rest is of another, or the bucket has damaged it', async () => {
    await leave('lost', 'completed');
    const other = { ...entries[2]!, head: '0'.repeat(40) };
    const key = await withServices(context, async (services) => {
      await putInRedis(services, [...entries.slice(0, 2), other]);
      return storeLedger(services, 'lost', entries);
    });
    await expect(verify()).rejects.toThrow('step 2 differs between the ledger and checkpoint 7');
    await withServices(context, async ({ s3 }) => {
      const store = createS3ObjectStore(s3, silentLogger);
      const text = Buffer.from(await store.get(key)).toString();
      await store.put(key, Buffer.from(text.replace('"numExamples":8', '"numExamples":9')));
      store.close();
    });
    await expect(verify()).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
  });

  async function putInRedis(
    { redisUrl }: Services,
    committed: readonly LedgerEntry[],
  ): Promise<void> {
    const connection = await connectRedis(redisUrl, { role: 'producer' });
    for (const entry of committed)
      await connection.client.rpush('berth:{lost}:ledger', JSON.stringify(entry));
    connection.close();
  }
});

describe('the beginning of a name', () => {
  it.each([
    ['abc', ['abc', 'abcd'], 'abc'],
    ['abcd', ['abc', 'abcdef', 'x'], 'abcdef'],
    ['zz', ['abc'], 'zz'],
    ['', ['abc'], ''],
  ])('%j of %j is %j', (text, runIds, chosen) => {
    expect(chooseRun(runIds, text)).toBe(chosen);
  });

  it('that several have names a few of them', () => {
    const runIds = Array.from({ length: 12 }, (_, index) => `run-${index}`);
    expect(() => chooseRun(runIds, 'run')).toThrow(/run-0, .*run-9, and 2 more$/);
  });
});
