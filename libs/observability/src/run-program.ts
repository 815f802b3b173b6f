import { errorToWire, toBerthError, type BerthError, type Logger } from '@berth/contracts';
import { startProcessLog, type ProcessLogOptions } from './process-log.ts';
import { stopOnSignals, type Stopping } from './stopping.ts';

export interface ProgramOptions extends ProcessLogOptions {
  /** @defaultValue that of the table of errors */
  readonly exitCodeOf?: (error: BerthError) => number;
}

/**
 * Runs a program and ends the process: with the exit code that it returns, or with that of its error, which is logged and told
 * to a supervisor.
 * @param main - given the log and how the process is told to stop
 */
export async function runProgram(
  options: ProgramOptions,
  main: (logger: Logger, stopping: Stopping) => Promise<number>,
): Promise<never> {
  const log = startProcessLog(options);
  const { logger } = log;
  const stopping = stopOnSignals(logger);
  let exitCode: number;
  try {
    exitCode = await main(logger, stopping);
  } catch (thrown) {
    const error = toBerthError(thrown);
    logger.error(`The ${options.app} ends`, {
      error: errorToWire(error),
      ...(error.code === 'INTERNAL' && { stack: error.stack }),
    });
    exitCode = options.exitCodeOf?.(error) ?? error.policy.exitCode;
    // One that still waits for us to be ready learns why we are not.
    await tell({ error: errorToWire(error) });
  }
  await log.close();
  // Idle connections and the channel to a supervisor would hold the process.
  process.exit(exitCode);
}

async function tell(message: object): Promise<void> {
  if (process.send === undefined) return;
  await new Promise<void>((resolve) => {
    process.send?.(message, () => resolve());
  });
}
