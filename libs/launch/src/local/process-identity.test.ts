import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { waitFor } from '@berth/testing';
import { expect, it, onTestFinished } from 'vitest';
import { identityOf, isRunning } from './process-identity.ts';

it('a process that was killed runs no more, though its parent has not noticed', async () => {
  // The shell becomes a program that never asks for the end of its child.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  const owner = identityOf(pid);
  expect(owner).toBeDefined();
  expect(isRunning(owner!)).toBe(true);
  // As long as it is the shell it does ask.
  const isSleeping = (): boolean => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n';
  await waitFor(isSleeping, { what: 'the shell to become another program' });
  process.kill(pid, 'SIGKILL');
  const isLeft = (): boolean => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  await waitFor(isLeft, { what: 'what is left of it' });
  expect(isRunning(owner!)).toBe(false);
  expect(isRunning(identityOf(process.pid)!)).toBe(true);
});
