import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { openSharedFolder } from './shared-folder.ts';

const modeOf = (path: string): number => statSync(path).mode & 0o777;

it('makes a folder for its owner only, and keeps its marker', async () => {
  const folder = join((await temporaryFolder()).path, 'deep', 'run');
  const shared = openSharedFolder(folder);
  const secret = shared.write('secrets/worker.env', 'BERTH_SECRET=x\n');
  expect([modeOf(folder), modeOf(join(folder, 'secrets')), modeOf(secret)]).toEqual([
    0o700, 0o700, 0o600,
  ]);
  expect(openSharedFolder(folder).marker).toBe(shared.marker);
});

it.each(['', 'secrets'])('refuses one that others may enter, by its path: %j', async (name) => {
  const { path } = await temporaryFolder();
  const open = join(path, name);
  mkdirSync(open, { recursive: true });
  chmodSync(open, 0o750);
  expect(() => openSharedFolder(path)).toThrow(`${open} is open to other users (mode 0750)`);
});
