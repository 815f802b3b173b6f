import { BerthError } from '@berth/contracts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Reads LOG_LEVEL.
 * @throws BerthError `CONFIG_INVALID` naming the levels
 */
export function parseLogLevel(text: string | undefined, fallback: LogLevel): LogLevel {
  if (text === undefined || text === '') return fallback;
  const level = logLevels.find((candidate) => candidate === text.toLowerCase());
  if (level !== undefined) return level;
  throw new BerthError(
    'CONFIG_INVALID',
    `LOG_LEVEL is "${text}"; use one of ${logLevels.join(', ')}`,
  );
}
