import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createS3ObjectStore } from '@berth/checkpoint';
import { parseRunConfig, silentLogger, type RunStatus } from '@berth/contracts';
import { createRunService } from '@berth/coordinator/run-service';
import { connectRedis, createRuns } from '@berth/queue';
import { temporaryFolder } from '@berth/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { chooseRun } from '@berth/protocol';
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
    logger: silentLogger,
    say: (message) => said.push(message),
    print: (text) => printed.push(text),
  };
});

/** A run as a cluster leaves it that ends or is killed. */
async function leave(runId: string, runStatus: RunStatus): Promise<void> {
  const input = { name: runId, corpus: { path: '/texts/a.txt' }, train: { numSteps: 7 } };
  await withServices(context, async ({ redisUrl, s3 }) => {
    const connection = await connectRedis(redisUrl, { role: 'producer' });
    const store = createS3ObjectStore(s3, silentLogger);
    await createRunService(connection, store).submit(parseRunConfig(input, 'test'), 'trained');
    await createRuns(connection).change(runId, () => ({ status: runStatus, reason: 'so it was' }));
    connection.close();
    store.close();
  });
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
