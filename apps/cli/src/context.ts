import { resolve } from 'node:path';
import { createLogger, parseLogLevel } from '@berth/observability';
import type { Logger } from '@berth/contracts';

/** What every command works with: where things are and how to speak. */
export interface Context {
  /** Data and logs of embedded services. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** For people, on stderr, so that stdout stays data. */
  readonly say: (message: string) => void;
  /** Prints a result on stdout. */
  readonly print: (text: string) => void;
}

export function createContext(env: Context['env']): Context {
  return {
    folder: resolve(env['BERTH_FOLDER'] ?? '.berth'),
    env,
    logger: createLogger({
      level: parseLogLevel(env['LOG_LEVEL'], 'warn'),
      format: 'pretty',
      fields: { app: 'cli' },
    }),
    say: (message) => process.stderr.write(`${message}\n`),
    print: (text) => process.stdout.write(`${text}\n`),
  };
}
