import { createLogger, parseLogLevel } from '@berth/observability';
import type { Logger } from '@berth/contracts';
import { findFolder } from './folder.ts';

/** What every command works with: where things are and how to speak. */
export interface Context {
  /** Data and logs of embedded services. */
  readonly folder: string;
  /** How this command is called here, for those who are told what to type next: `berth` or `npx berth`. */
  readonly berth: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's own, for what a command writes at a place that was named; all else is for this user only. */
  readonly umask: number;
  readonly logger: Logger;
  /** For people, on stderr, so that stdout stays data. */
  readonly say: (message: string) => void;
  /** Prints a result on stdout. */
  readonly print: (text: string) => void;
}

export function createContext(env: Context['env'], umask: number): Context {
  return {
    folder: findFolder(env, process.cwd()),
    // Set by npx and by npm scripts, whose users need not have berth in their path.
    berth: env['npm_command'] === undefined ? 'berth' : 'npx berth',
    env,
    umask,
    logger: createLogger({
      level: parseLogLevel(env['LOG_LEVEL'], 'warn'),
      format: 'pretty',
      fields: { app: 'cli' },
    }),
    say: (message) => process.stderr.write(`${harmless(message)}\n`),
    print: (text) => process.stdout.write(`${harmless(text)}\n`),
  };
}

/** Without the control characters that a terminal would obey: names and messages come from whoever may start a run. */
export function harmless(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}');
}
