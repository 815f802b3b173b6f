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

it.each([
  [
    'a process that was killed',
    { pid: spawnSync(process.execPath, ['--version']).pid, startTicks: '7' },
  ],
  // As after a restart of a container, where numbers repeat.
  ['one whose number another process has', { pid: process.ppid, startTicks: '7' }],
  ['one whose number we have ourselves', { pid: process.pid, startTicks: '7' }],
])('takes over the folder of %s', async (_what, killed) => {
  const { path } = await temporaryFolder();
  const file = join(path, 'services.pid');
  writeFileSync(file, JSON.stringify(killed));
  const free = lockFolder(path);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
  free();
});
