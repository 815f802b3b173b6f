import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/berth.js', import.meta.url));

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `berth` as its users do, in a process of its own. */
export function berth(
  args: readonly string[],
  {
    folder,
    timeoutMs = 1_500_000,
    env = {},
  }: {
    readonly folder: string;
    readonly timeoutMs?: number;
    readonly env?: Readonly<Record<string, string>>;
  },
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [program, ...args],
      { env: { ...environment(folder), ...env }, timeout: timeoutMs, maxBuffer: 1 << 24 },
      (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, stdout, stderr });
      },
    );
  });
}

/** Starts `berth` and lets it run. */
export function spawnBerth(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn(process.execPath, [program, ...args], {
    env: { ...environment(folder), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function environment(folder: string): NodeJS.ProcessEnv {
  const {
    REDIS_URL: _redis,
    AWS_ENDPOINT_URL: _aws,
    AWS_ENDPOINT_URL_S3: _s3,
    ...rest
  } = process.env;
  return { ...rest, BERTH_FOLDER: folder, NODE_OPTIONS: '' };
}

/** Process ids of a process's children whose command line contains a text. */
export function childrenOf(parentPid: number, text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return (
          Number(parent) === parentPid &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text)
        );
      } catch {
        return false;
      }
    });
}
