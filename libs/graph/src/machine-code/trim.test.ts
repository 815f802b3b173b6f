import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { trimCode } from './trim.ts';

it('deletes what was used longest ago, never what is in use, and what dead processes left', () => {
  const root = mkdtempSync(join(tmpdir(), 'berth-code-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const folder = (name: string, { numBytes = 0, ageMs = 0 }): string => {
    const path = join(root, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, 'entry'), Buffer.alloc(numBytes));
    const used = new Date(Date.now() - ageMs);
    utimesSync(path, used, used);
    return path;
  };
  const [hour, noProcess] = [3_600_000, 2 ** 22 + 1];
  const own = folder('kind/own', { numBytes: 60, ageMs: 9 * hour });
  const oldest = folder('old-kind/oldest', { numBytes: 30, ageMs: 8 * hour });
  const newer = folder('kind/newer', { numBytes: 30, ageMs: 7 * hour });
  const gone = folder(`kind/process-${noProcess}-aa`, { ageMs: 2 * hour });
  const elsewhere = folder(`kind/process-${noProcess}-bb`, { ageMs: hour / 2 });
  const alive = folder(`kind/process-${process.ppid}-cc`, { ageMs: 2 * hour });
  trimCode(root, { maxBytes: 100, except: own });
  const left = [own, oldest, newer, gone, elsewhere, alive].map((path) => existsSync(path));
  expect(left).toEqual([true, false, true, false, true, true]);
  expect(existsSync(join(root, 'old-kind'))).toBe(false);
  trimCode(root, { maxBytes: 0, except: own });
  expect([own, newer].map((path) => existsSync(path))).toEqual([true, false]);
});
