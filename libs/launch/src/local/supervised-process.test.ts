import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@berth/testing';
import { expect, it } from 'vitest';
import { Supervised, type Exit } from './supervised-process.ts';

interface Started {
  readonly child: Supervised;
  readonly exits: Exit[];
  readonly numStarts: () => number;
}

/** A process that does the given work at each start, told how often it was started before. */
async function supervise(work: string): Promise<Started> {
  const { path: folder } = await temporaryFolder();
  const [entry, starts] = [join(folder, 'entry.cjs'), join(folder, 'starts')];
  writeFileSync(
    entry,
    `const fs = require('node:fs');
     fs.appendFileSync(process.env.STARTS, '.');
     const numBefore = fs.readFileSync(process.env.STARTS, 'utf8').length - 1;
     ${work}`,
  );
  const exits: Exit[] = [];
  const child = new Supervised({
    name: 'worker-1',
    entry,
    env: { STARTS: starts },
    logFolder: folder,
    readyTimeoutMs: 60_000,
    say: () => undefined,
    onRestart: (exit) => exits.push(exit),
  });
  const numStarts = (): number => (existsSync(starts) ? readFileSync(starts, 'utf8').length : 0);
  return { child, exits, numStarts };
}

it('starts a process again that dies before it is ready', async () => {
  const { child, exits } = await supervise(
    `if (numBefore === 0) process.kill(process.pid, 'SIGKILL');
     else { process.send({ memberId: 'm' }); setInterval(() => {}, 1_000); }`,
  );
  await child.start();
  expect(child.readyMessage).toEqual({ memberId: 'm' });
  expect(exits.map(({ how }) => how)).toEqual(['ended with SIGKILL']);
  await child.stop();
});

it('gives up one that dies at each start, with what it said last', async () => {
  const { child, exits, numStarts } = await supervise(
    `console.error('terminate called: no such library'); process.exit(3);`,
  );
  await expect(child.start()).rejects.toThrow(
    /^worker-1 ended with code 3: terminate called: no such library; see .*worker-1\.log$/,
  );
  expect([exits.length, numStarts()]).toEqual([2, 3]);
});

it('does not start one again that says why it cannot', async () => {
  const { child, numStarts } = await supervise(
    `process.send({ error: { code: 'RUNTIME_UNAVAILABLE', message: 'no TensorFlow', details: {} } },
       () => process.exit(1));`,
  );
  await expect(child.start()).rejects.toThrow('no TensorFlow');
  expect(numStarts()).toBe(1);
});

it('starts none again that was stopped meanwhile', async () => {
  const { child, exits, numStarts } = await supervise(`process.exit(1);`);
  const starting = child.start();
  while (exits.length === 0) await new Promise(setImmediate);
  await child.stop();
  await expect(starting).rejects.toThrow('ended with code 1');
  expect(numStarts()).toBe(1);
});
