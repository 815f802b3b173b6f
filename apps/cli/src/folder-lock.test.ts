import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { lockFolder } from './folder-lock.ts';

it('keeps a folder to one process until it is given free', async () => {
  const { path } = await temporaryFolder();
  const free = lockFolder(path);
  expect(() => lockFolder(path)).toThrow(`Process ${process.pid} is starting, running or ending`);
  free();
  lockFolder(path)();
});

it('takes over the folder of a process that was killed', async () => {
  const { path } = await temporaryFolder();
  const { pid } = spawnSync(process.execPath, ['--version']);
  const file = join(path, 'services.pid');
  writeFileSync(file, String(pid));
  const free = lockFolder(path);
  expect(readFileSync(file, 'utf8')).toBe(String(process.pid));
  free();
});
