import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Starts a program that writes to a file.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ log: string, env?: NodeJS.ProcessEnv, cwd?: string }} options
 */
export function startProcess(program, args, { log, ...options }) {
  const descriptor = openSync(log, 'a', 0o600);
  const child = spawn(program, args, { ...options, stdio: ['ignore', descriptor, descriptor] });
  closeSync(descriptor);
  const exit = once(child, 'exit').then(
    ([code, signal]) => (one.end = { code, signal }),
    (error) => (one.end = { code: null, signal: null, error: error.message }),
  );
  const one = {
    pid: child.pid,
    /** @type {{ code: number | null, signal: string | null, error?: string } | undefined} once it has ended */
    end: undefined,
    ended: exit,
    log,
    kill: (signal) => child.kill(signal),
    /** Told to end, and killed when it has not in time. @param {number} graceMs */
    async stop(graceMs) {
      if (one.end !== undefined) return;
      child.kill('SIGTERM');
      const late = sleep(graceMs, 'late', { ref: false });
      if ((await Promise.race([exit, late])) === 'late') child.kill('SIGKILL');
      await exit;
    },
    async lastWords() {
      const lines = (await readFile(log, 'utf8')).trim().split('\n').slice(-5).join('\n');
      const how = one.end?.error ?? one.end?.signal ?? one.end?.code ?? 'runs';
      return `${basename(program)} (${how}) said last:\n${lines}`;
    },
  };
  return one;
}
