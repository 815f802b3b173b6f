import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { KeptCode } from './kept-code.ts';

const script = fileURLToPath(new URL('../../test/kept-code.mjs', import.meta.url));

interface Report {
  readonly values: number[];
  readonly told: string[];
  readonly numFiles: number;
  /** Those that XLA has not written over. */
  readonly numShared: number;
}

/** Runs the compiled package in a process of its own, as TensorFlow reads its environment once. */
async function report(cache: string): Promise<Report> {
  const env = { ...process.env, TF_XLA_FLAGS: '', BERTH_XLA_CACHE: cache };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
  return JSON.parse(stdout) as Report;
}

it('compiles once, with the same bits beside another process, and whatever happens to what is kept', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'berth-code-'));
  onTestFinished(() => rmSync(cache, { recursive: true }));
  const [plain, first, second] = await Promise.all([report('off'), report(cache), report(cache)]);
  expect(plain).toMatchObject({ told: [], numFiles: 0 });
  const filesNow = (): string[] =>
    readdirSync(cache, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('~'));
  const files = filesNow();
  expect(files).toHaveLength(2);
  expect(readdirSync(cache, { recursive: true })).toHaveLength(2 + files.length);
  for (const cold of [first, second])
    expect(cold).toMatchObject({ told: [], values: plain.values, numFiles: 2 });

  const whole = { told: [], values: plain.values, numFiles: 2, numShared: 2 };
  expect(await report(cache)).toEqual(whole);

  const [cut = '', flipped = ''] = files.map((name) => join(cache, name));
  truncateSync(cut, 1_000);
  const bytes = readFileSync(flipped);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(flipped, bytes);
  const { told, ...healed } = await report(cache);
  expect(told).toEqual([expect.stringContaining('compiled again: 2 of 2 files')]);
  expect(healed).toEqual({ values: plain.values, numFiles: 2, numShared: 2 });
  expect(filesNow()).toHaveLength(2);
  expect(await report(cache)).toEqual(whole);
});

it('keeps one file of an entry that several processes have put there at once', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-code-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const [shared, own] = [join(root, 'kind'), join(root, 'kind', 'process-1-a')];
  const warned: string[] = [];
  const logger = { warn: (message: string) => warned.push(message) };
  new KeptCode({ root, shared, own }, 'graph', logger).around('update', () => {
    writeFileSync(join(own, 'mine.pb'), 'mine');
    mkdirSync(join(shared, 'graph'));
    for (const name of ['theirs.pb~2', 'theirs.pb~3', 'mine.pb~4', 'theirs.pb~1'])
      writeFileSync(join(shared, 'graph', name), '');
  });
  expect(readdirSync(join(shared, 'graph'))).toEqual(['mine.pb~4', 'theirs.pb~1']);
  expect(warned).toEqual([]);
});
