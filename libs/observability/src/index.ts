export { buildInfo, describeBuild, type BuildInfo } from './build-info.ts';
export {
  encodeEvents,
  eventFileName,
  startOfEventFile,
  type EventFileOptions,
} from './event-file.ts';
export { createLogger, type LoggerOptions, type RootLogger } from './logger.ts';
export { startProcessLog, type ProcessLog, type ProcessLogOptions } from './process-log.ts';
export { runProgram } from './run-program.ts';
export { LogShipper, type LogShipperOptions } from './log-shipper.ts';
export { redact, redactText } from './redact.ts';
export { parseLogLevel, type LogLevel } from './log-level.ts';
export { Stopping, type StopLimits } from './stopping.ts';
