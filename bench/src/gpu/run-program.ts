import { spawn } from 'node:child_process';

export interface Ended {
  readonly output: string;
  /** Last lines of stderr. */
  readonly errors: string;
  /** Undefined when all is well. */
  readonly failure?: string;
  readonly tookMs: number;
}

interface Limits {
  readonly deadlineMs: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Gets all that the program says on stderr. */
  readonly log?: (text: string) => void;
}

/** Runs a program and all that it starts for at most so long. Never throws: what goes wrong is told. */
export function runProgram(
  command: string,
  args: readonly string[],
  { deadlineMs, env, log }: Limits,
): Promise<Ended> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    let [output, errors, isLate] = ['', '', false];
    // A process group of its own, so that it can be ended with what it has started.
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(env === undefined ? {} : { env }),
    });
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // All of the group have ended.
      }
    };
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, deadlineMs);
    process.once('exit', end);
    const finish = (failure: string | undefined): void => {
      clearTimeout(timer);
      end();
      process.off('exit', end);
      const tookMs = performance.now() - startMs;
      resolve({ output, errors, tookMs, ...(failure === undefined ? {} : { failure }) });
    };
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-4000);
      log?.(chunk.toString());
    });
    child.once('error', (error) => finish(error.message));
    child.once('close', (code, signal) => {
      if (isLate) finish(`ended after ${(deadlineMs / 1000).toFixed(0)} s`);
      else if (code === 0) finish(undefined);
      else finish(`${reasonIn(errors) ?? 'it said nothing'} (${signal ?? `exit code ${code}`})`);
    });
  });
}

/** The last line that names an error, or else the last. */
export function reasonIn(text: string): string | undefined {
  const lines = text.trim().split('\n');
  return (
    lines.findLast((line) => /^\S*(?:[Ee]rror|Exception)\b/.test(line)) ??
    (lines.at(-1) || undefined)
  );
}
