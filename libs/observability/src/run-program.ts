import { errorToWire, toBerthError, type Logger } from '@berth/contracts';
import { startProcessLog, type ProcessLogOptions } from './process-log.ts';
import { stopSignal } from './stop-signal.ts';

/**
 * Runs a program and ends the process: with the exit code that it returns, or with that of its error, which is logged and told
 * to a supervisor.
 * @param main - given the log and what aborts when the process is told to stop
 */
export async function runProgram(
  options: ProcessLogOptions,
  main: (logger: Logger, stopping: AbortSignal) => Promise<number>,
): Promise<never> {
  const log = startProcessLog(options);
  const { logger } = log;
  const stopping = stopSignal(logger);
  let exitCode: number;
  try {
    exitCode = await main(logger, stopping);
  } catch (error) {
    const { code, stack, policy } = toBerthError(error);
    logger.error(`The ${options.app} ends`, {
      error: errorToWire(error),
      ...(code === 'INTERNAL' && { stack }),
    });
    exitCode = policy.exitCode;
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
