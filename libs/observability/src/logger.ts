import { Writable } from 'node:stream';
import type { LogFields, Logger } from '@berth/contracts';
import winston from 'winston';
import type { LogRecord, LogShipper } from './log-shipper.ts';
import { redact, redactText } from './redact.ts';

export interface LoggerOptions {
  /** The least severe level that is written. */
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** `json`: one object a line, for machines; `pretty`: one line of text, for people. */
  readonly format: 'json' | 'pretty';
  /** Added to every record. */
  readonly fields?: LogFields;
  /** Asked at every record for fields that change: the run and the step under way. A record's own fields win. */
  readonly context?: () => LogFields;
  /** Where records go. @defaultValue process.stderr: standard output is for data */
  readonly stream?: NodeJS.WritableStream;
  /** Also append JSON lines to this file. */
  readonly file?: string;
  /** Also takes every record. Its owner closes it. */
  readonly shipper?: LogShipper;
}

/** A logger that owns its outputs. */
export interface RootLogger extends Logger {
  /** Writes what is pending to the file and closes it. */
  close(): Promise<void>;
}

/** Builds the logger of a process. Secrets are masked before anything is written. */
export function createLogger(options: LoggerOptions): RootLogger {
  const { level, format, fields = {}, stream = process.stderr, file, shipper, context } = options;
  const line = format === 'json' ? jsonLine : prettyLine;
  const destination = new winston.transports.Stream({ stream, format: line });
  const logFile =
    file === undefined
      ? undefined
      : new winston.transports.File({ filename: file, format: jsonLine });
  const root = winston.createLogger({
    level,
    transports: [
      destination,
      ...(logFile === undefined ? [] : [logFile]),
      ...(shipper === undefined ? [] : [shippingTransport(shipper)]),
    ],
  });
  return {
    ...withFields(root, fields, context),
    async close() {
      const flushed =
        logFile && new Promise<void>((resolve) => logFile.once('finish', () => resolve()));
      root.end();
      await flushed;
    },
  };
}

/** Hands records, as objects, to a shipper. */
function shippingTransport(shipper: LogShipper): winston.transport {
  const stream = new Writable({
    objectMode: true,
    write(record: LogRecord, _encoding, done) {
      shipper.take(record);
      done();
    },
  });
  return new winston.transports.Stream({ stream });
}

function withFields(
  root: winston.Logger,
  common: LogFields,
  context: () => LogFields = () => ({}),
): Logger {
  const log =
    (level: LoggerOptions['level']) =>
    (message: string, fields?: LogFields): void => {
      // The fields travel apart from the record: winston gives some names a meaning of its own.
      const all = { ...common, ...context(), ...fields };
      root.log({ level, message: redactText(message), fields: redact(all) });
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => withFields(root, { ...common, ...fields }, context),
  };
}

const jsonLine = winston.format.printf(({ level, message, fields }) =>
  JSON.stringify({ time: new Date().toISOString(), level, message, ...(fields as LogFields) }),
);

const prettyLine = winston.format.printf(({ level, message, fields }) => {
  const time = new Date().toISOString().slice(11, 23);
  const pairs = Object.entries(fields as LogFields).map(
    ([key, value]) => ` ${key}=${plain(value)}`,
  );
  return `${time} ${level.padEnd(5)} ${String(message)}${pairs.join('')}`;
});

function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : (JSON.stringify(value) ?? '-');
}
