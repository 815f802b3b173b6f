import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { expect, it } from 'vitest';

it.runIf(existsSync('/proc/self/autogroup'))(
  'gives way among the sessions of the machine too',
  async () => {
    const url = JSON.stringify(new URL('give-way.ts', import.meta.url).href);
    const program = `import(${url}).then(async ({ giveWay }) => { await giveWay(); process.send('done'); })`;
    const child = fork('-', [], {
      execArgv: ['--import', 'tsx', '--eval', program],
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      expect((await once(child, 'message'))[0]).toBe('done');
      expect(getPriority(child.pid)).toBe(10);
      expect(readFileSync(`/proc/${child.pid}/autogroup`, 'utf8')).toMatch(/nice 10$/m);
    } finally {
      child.kill('SIGKILL');
    }
  },
);
