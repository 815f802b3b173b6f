import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import type { LogFields, Logger } from '@berth/contracts';
import type winston from 'winston';
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

/** From the most severe to the least. */
const levels = ['error', 'warn', 'info', 'debug'] as const satisfies LoggerOptions['level'][];

/** Builds the logger of a process. Secrets are masked before anything is written. */
export function createLogger(options: LoggerOptions): RootLogger {
  let outputs: Outputs | undefined;
  const numLevels = levels.indexOf(options.level) + 1;
  const written = new Set<LoggerOptions['level']>(levels.slice(0, numLevels));
  const write = (level: LoggerOptions['level'], message: string, all: LogFields): void => {
    if (!written.has(level)) return;
    outputs ??= openOutputs(options);
    // The fields travel apart from the record: winston gives some names a meaning of its own.
    outputs.root.log({ level, message: redactText(message), fields: redact(all) });
  };
  return {
    ...withFields(write, options.fields ?? {}, options.context),
    async close() {
      if (outputs === undefined) return;
      const { root, logFile } = outputs;
      const flushed =
        logFile && new Promise<void>((resolve) => logFile.once('finish', () => resolve()));
      root.end();
      await flushed;
    },
  };
}

interface Outputs {
  readonly root: winston.Logger;
  readonly logFile: winston.transport | undefined;
}

/** Opened for the first record: most commands have nothing to log, and loading winston is a sixth of their start. */
function openOutputs(options: LoggerOptions): Outputs {
  const { format, transports, createLogger: create } = loadWinston();
  const { level, stream = process.stderr, file, shipper } = options;
  const json = format.printf(jsonLine);
  const line = options.format === 'json' ? json : format.printf(prettyLine);
  const logFile =
    file === undefined ? undefined : new transports.File({ filename: file, format: json });
  const root = create({
    level,
    transports: [
      new transports.Stream({ stream, format: line }),
      ...(logFile === undefined ? [] : [logFile]),
      ...(shipper === undefined ? [] : [new transports.Stream({ stream: intoShipper(shipper) })]),
    ],
  });
  return { root, logFile };
}

function loadWinston(): typeof winston {
  return createRequire(import.meta.url)('winston') as typeof winston;
}

/** Hands records, as objects, to a shipper. */
function intoShipper(shipper: LogShipper): Writable {
  return new Writable({
    objectMode: true,
    write(record: LogRecord, _encoding, done) {
      shipper.take(record);
      done();
    },
  });
}

type WriteRecord = (level: LoggerOptions['level'], message: string, fields: LogFields) => void;

function withFields(
  write: WriteRecord,
  common: LogFields,
  context: () => LogFields = () => ({}),
): Logger {
  const log =
    (level: LoggerOptions['level']) =>
    (message: string, fields?: LogFields): void =>
      write(level, message, { ...common, ...context(), ...fields });
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => withFields(write, { ...common, ...fields }, context),
  };
}

function jsonLine({ level, message, fields }: winston.Logform.TransformableInfo): string {
  const time = new Date().toISOString();
  return JSON.stringify({ time, level, message, ...(fields as LogFields) });
}

function prettyLine({ level, message, fields }: winston.Logform.TransformableInfo): string {
  const time = new Date().toISOString().slice(11, 23);
  const pairs = Object.entries(fields as LogFields).map(
    ([key, value]) => ` ${key}=${plain(value)}`,
  );
  return `${time} ${level.padEnd(5)} ${String(message)}${pairs.join('')}`;
}

function plain(value: unknown): string {
  return typeof value === 'string' && !/[\s"]/.test(value) ? value : (JSON.stringify(value) ?? '-');
}
