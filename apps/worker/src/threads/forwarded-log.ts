import { errorToWire, type LogFields, type Logger } from '@berth/contracts';

/** A log record as it crosses a thread boundary. */
export type ForwardedRecord = readonly [
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: LogFields,
];

/** A logger whose records another thread writes, by `writeForwarded`. */
export function forwardingLogger(
  send: (...record: ForwardedRecord) => void,
  common: LogFields = {},
): Logger {
  const log =
    (level: ForwardedRecord[0]) =>
    (message: string, fields?: LogFields): void =>
      send(level, message, plainFields({ ...common, ...fields }));
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => forwardingLogger(send, { ...common, ...fields }),
  };
}

export function writeForwarded(logger: Logger, [level, message, fields]: ForwardedRecord): void {
  logger[level](message, fields);
}

/** Errors lose their code when they are cloned. */
function plainFields(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? errorToWire(value) : value,
    ]),
  );
}
