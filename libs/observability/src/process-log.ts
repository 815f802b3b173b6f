import type { LogFields, Logger, LogLine } from '@berth/contracts';
import type { LogLevel } from './log-level.ts';
import { LogShipper } from './log-shipper.ts';
import { createLogger } from './logger.ts';

export interface ProcessLogOptions {
  /** Which program: worker or coordinator. */
  readonly app: string;
  /** Its member id or coordinator id; also a field of that name in every record. */
  readonly source: string;
  readonly level: LogLevel;
  /** Asked at every record for the run, attempt and step under way. */
  readonly context?: () => LogFields;
  /** Where lines are shipped to; see `LogShipperOptions`. */
  readonly sink: (lines: readonly LogLine[]) => Promise<void>;
}

/** What a program logs. */
export interface ProcessLog {
  readonly logger: Logger;
  /** Ships the last lines, for at most a second. */
  close(): Promise<void>;
}

/**
 * The log of a whole program: JSON lines on standard error, shipped to where all logs are kept. An error that nobody
 * caught is logged, shipped, and ends the process with code 1.
 */
export function startProcessLog({
  app,
  source,
  level,
  context,
  sink,
}: ProcessLogOptions): ProcessLog {
  const shipper = new LogShipper({ app, source, sink });
  const logger = createLogger({
    level,
    format: 'json',
    fields: { app, [app]: source },
    ...(context !== undefined && { context }),
    shipper,
  });
  // Whoever read it is gone; that must not end what the process is there for, nor be logged.
  process.stderr.on('error', () => undefined);
  const die = async (): Promise<void> => {
    await shipper.close();
    process.exit(1);
  };
  let isDying = false;
  process.on('uncaughtException', (error, origin) => {
    if (isDying) return;
    isDying = true;
    const message = `The ${app} dies of an error that nobody caught: ${error.message}`;
    logger.error(message, { origin, error });
    void die();
  });
  return { logger, close: () => shipper.close() };
}
