import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { spawnBerth } from './berth-process.ts';

export interface AppProcess {
  readonly process: ChildProcess;
  readonly exitCode: Promise<number | null>;
}

/**
 * Starts `berth worker` or `berth coordinator` with nothing but a file and flags to go by; it ends with the test.
 * @param folder - below which each app has one of its own
 * @param env - the file for `--env`
 * @param variables - of the process itself
 */
export function startApp(
  folder: string,
  args: readonly string[],
  env: string,
  variables: Readonly<Record<string, string>> = {},
): AppProcess {
  const process = spawnBerth([...args, '--env', env], join(folder, args[0]!), variables);
  process.stdout?.resume();
  process.stderr?.resume();
  onTestFinished(() => void process.kill('SIGKILL'));
  return { process, exitCode: once(process, 'exit').then(([code]) => code as number | null) };
}
