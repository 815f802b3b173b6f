import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const answerTimeoutMs = 600_000;

/** A program that answers every line it is sent with a line of JSON. */
export interface Program {
  /** Waits for a line, after sending one if given. @throws ProgramMissing if the program lacks what it needs */
  ask(line?: string): Promise<Record<string, unknown>>;
  stop(): void;
}

/** What the program said that it lacks. */
export class ProgramMissing extends Error {}

export function startProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(line) {
      if (line !== undefined) child.stdin.write(`${line}\n`);
      const timer = setTimeout(() => child.kill(), answerTimeoutMs);
      const { value, done } = await Promise.race([lines.next(), failed]);
      clearTimeout(timer);
      if (done === true)
        throw new Error(
          `${child.spawnargs.join(' ')} ended or was silent for ${answerTimeoutMs} ms`,
        );
      const answer = JSON.parse(value) as Record<string, unknown>;
      if (typeof answer['missing'] === 'string') throw new ProgramMissing(answer['missing']);
      return answer;
    },
    stop: () => child.stdin.end(),
  };
}

/** Arguments for Node that start a program of this folder as this one was started. */
export function ownProgram(path: string, args: readonly string[] = []): string[] {
  return [...process.execArgv, path, ...args];
}
