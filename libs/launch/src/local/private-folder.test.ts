import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { makePrivate } from './private-folder.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

it('makes a folder for its owner only, and says nothing', async () => {
  const { path } = await temporaryFolder();
  const lines: string[] = [];
  const folder = join(path, 'deep', '.berth');
  makePrivate(folder, (line) => lines.push(line));
  makePrivate(folder, (line) => lines.push(line));
  expect(modeOf(folder)).toBe(0o700);
  expect(lines).toEqual([]);
});

it.each([0o755, 0o711, 0o770])('closes one of mode %o to others, and says so', async (mode) => {
  const { path } = await temporaryFolder();
  const lines: string[] = [];
  chmodSync(path, mode);
  makePrivate(path, (line) => lines.push(line));
  expect(modeOf(path)).toBe(0o700);
  expect(lines).toEqual([expect.stringContaining(`${path} was open to other users`)]);
});

it('leaves a folder alone that is there for all', async () => {
  const { path } = await temporaryFolder();
  chmodSync(path, 0o1777);
  expect(() => makePrivate(path, () => undefined)).toThrow(/set BERTH_FOLDER to .*\/berth$/);
  expect(modeOf(path)).toBe(0o1777);
});

it.skipIf(process.getuid?.() !== 0)(
  'takes up the folder of another user only as root',
  async () => {
    const { path } = await temporaryFolder();
    chownSync(path, 65_534, 65_534);
    chmodSync(path, 0o755);
    makePrivate(path, () => undefined);
    expect(modeOf(path)).toBe(0o700);
  },
);
